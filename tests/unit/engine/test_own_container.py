"""Which container this process is in, from what kernel, runtime and engine say."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.engine import own_container
from ctest_containers.engine.own_container import (
    OwnContainer,
    candidates,
    find_own_container,
    is_a_container,
    mount_points,
    on_the_engines_machine,
)

ID, OTHER = "a1" * 32, "b2" * 32

LAYER = "/var/lib/docker/overlay2/77aa/diff"

TABLE = f"""\
74 49 0:39 / / rw,relatime master:2 - overlay overlay rw,lowerdir=/l/A:/l/B,upperdir={LAYER}
75 74 0:42 / /proc rw,nosuid - proc proc rw
91 74 254:0 /var/lib/docker/containers/{ID}/resolv.conf /etc/resolv.conf rw - ext4 /dev/vda rw
92 74 254:0 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw,relatime - ext4 /dev/vda rw
93 74 254:0 /home/ann/shop /project rw,relatime - ext4 /dev/vda rw
94 93 0:55 / /project/cache rw,relatime - tmpfs tmpfs rw
95 74 0:56 / /shared rw,relatime - fuse.grpcfuse grpcfuse rw
96 74 254:0 /var/lib/docker/volumes/v/_data /with\\040space rw,relatime - ext4 /dev/vda rw
"""


def inspected(identity: str = ID, **changes: Any) -> dict[str, Any]:
    """What an engine says of a running container."""
    return {
        "Id": identity,
        "Name": "/runner",
        "State": {"Running": True, "StartedAt": "2026-01-01T00:00:00.5Z"},
        "Config": {"Hostname": identity[:12]},
        "HostConfig": {"NetworkMode": "shop_default"},
        "NetworkSettings": {"Networks": {"bridge": {}, "shop_default": {}}},
        "GraphDriver": {"Data": {"UpperDir": LAYER}},
        "Mounts": [
            {"Type": "bind", "Source": "/home/ann/shop", "Destination": "/project"},
            {"Type": "volume", "Source": "/volumes/v/_data", "Destination": "/with space"},
            {"Type": "bind", "Source": "/Users/ann", "Destination": "/shared"},
            {"Type": "tmpfs", "Source": "", "Destination": "/project/cache"},
        ],
        **changes,
    }


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What the files of /proc say, and under `hostname` the machine's name."""
    told = {"hostname": "tests"}
    monkeypatch.setattr(own_container, "_read", lambda path: told.get(path, ""))
    monkeypatch.setattr(socket, "gethostname", lambda: told["hostname"])
    return told


def find(known: Mapping[str, dict[str, Any]], *sharing: str) -> OwnContainer | None:
    """Ask an engine that has these containers, some of them in networks of others."""

    def inspect(identity: str) -> dict[str, Any] | None:
        return next((one for key, one in known.items() if key.startswith(identity)), None)

    return find_own_container(inspect, lambda: sharing)


def test_the_ids_in_control_groups_come_first() -> None:
    cgroup = f"9:pids:/docker/{OTHER}\n0::/system.slice/docker-{OTHER}.scope\n"

    assert candidates(cgroup, mount_points(TABLE), "c3c3c3c3c3c3") == [OTHER, ID, "c3c3c3c3c3c3"]


def test_layers_of_images_and_names_that_people_give_are_no_ids() -> None:
    table = mount_points(TABLE.replace("77aa", "cd" * 32))

    assert candidates("0::/\n", table, "tests") == [ID]


def test_on_a_machine_that_is_no_container_the_engine_is_not_asked(kernel: dict[str, str]) -> None:
    kernel["/proc/self/cgroup"] = "0::/user.slice/user-1000.slice/session-2.scope\n"

    assert find({}) is None


@pytest.mark.parametrize("clue", ["/proc/self/mountinfo", "/proc/self/cgroup", "hostname"])
def test_each_clue_leads_to_the_container_if_the_engine_has_it(
    clue: str, kernel: dict[str, str]
) -> None:
    clues = {
        "/proc/self/mountinfo": TABLE,
        "/proc/self/cgroup": f"4:memory:/docker/{ID}\n",
        "hostname": ID[:12],
    }
    kernel[clue] = clues[clue]

    found = find({ID: inspected()})

    assert found is not None
    assert (found.id, found.name) == (ID, "runner")
    assert find({OTHER: inspected(OTHER)}) is None


def test_whatever_an_engine_leaves_in_a_container_tells_that_it_is_one(
    kernel: dict[str, str], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    assert not is_a_container([str(mark)])

    mark.touch()
    assert is_a_container([str(mark)])
    kernel["/proc/self/mountinfo"] = TABLE
    assert is_a_container([])


def test_a_container_that_has_ended_is_not_this_one(kernel: dict[str, str]) -> None:
    kernel["/proc/self/mountinfo"] = TABLE

    assert find({ID: inspected(State={"Running": False, "StartedAt": ""})}) is None


def test_a_machine_that_is_called_like_a_container_is_not_in_it(kernel: dict[str, str]) -> None:
    kernel["hostname"] = ID[:12]

    assert find({ID: inspected(Config={"Hostname": "web"})}) is None


def test_whoever_uses_the_network_of_another_container_is_not_in_that_one(
    kernel: dict[str, str],
) -> None:
    kernel["/proc/self/mountinfo"] = TABLE
    other = inspected(GraphDriver={"Data": {"UpperDir": "/elsewhere/88bb/diff"}})
    own = inspected(OTHER, HostConfig={"NetworkMode": f"container:{ID}"})

    found = find({ID: other, OTHER: own}, OTHER)

    assert found is not None
    assert found.id == OTHER
    assert found.networks == ("shop_default", "bridge")


def test_networks_that_somebody_made_come_before_the_engines_own(kernel: dict[str, str]) -> None:
    kernel["/proc/self/mountinfo"] = TABLE

    found = find({ID: inspected()})

    assert found is not None
    assert (found.networks, found.network_mode) == (("shop_default", "bridge"), "shop_default")


@pytest.mark.parametrize("mode", ["host", "none"])
def test_a_container_without_a_network_of_its_own_is_known(
    mode: str, kernel: dict[str, str]
) -> None:
    kernel["/proc/self/mountinfo"] = TABLE
    settings: dict[str, Any] = {"Networks": {mode: {}}}

    found = find({ID: inspected(HostConfig={"NetworkMode": mode}, NetworkSettings=settings)})

    assert found is not None
    assert (found.networks, found.network_mode) == ((), mode)


@pytest.mark.parametrize(
    ("folder", "there"),
    [
        ("/project/tmp/ctest-1", "/home/ann/shop/tmp/ctest-1"),
        ("/with space/ctest-1", "/volumes/v/_data/ctest-1"),
        ("/project/cache/ctest-1", None),
        ("/shared/ctest-1", None),
        ("/home/ctest-1", None),
    ],
    ids=["bind", "volume", "another mount within", "a folder of a Mac's", "the container's own"],
)
def test_a_folder_is_called_on_the_engines_machine_by_the_mount_that_it_is_in(
    folder: str, there: str | None, kernel: dict[str, str]
) -> None:
    kernel["/proc/self/mountinfo"] = TABLE
    container = find({ID: inspected()})
    assert container is not None

    found = on_the_engines_machine(Path(folder), container, mount_points(TABLE))

    assert found == (None if there is None else Path(there))
