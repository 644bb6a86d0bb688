"""What this machine says about where the engine is."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ctest_containers.engine.location import is_near, listener_is_seen, read_location, remote_name


@pytest.fixture
def listening() -> Iterator[str]:
    """The address of a Unix socket at which this process listens."""
    with TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{folder}/engine.sock")
        listener.listen(1)
        yield f"unix://{folder}/engine.sock"


def test_a_process_that_listens_at_a_socket_beside_this_one_is_seen(listening: str) -> None:
    assert listener_is_seen(listening) is True
    assert is_near(listening)


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes process namespaces"
)
def test_a_process_that_listens_outside_of_this_ones_container_is_not_seen(listening: str) -> None:
    program = (
        "import sys; from ctest_containers.engine.location import listener_is_seen; "
        "print(listener_is_seen(sys.argv[1]))"
    )
    inside = ["unshare", "--pid", "--fork", sys.executable, "-c", program, listening]

    done = subprocess.run(inside, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:2375", "unix:///nonexistent/docker.sock"])
def test_an_unknown_listener_is_neither_seen_nor_unseen(address: str) -> None:
    assert listener_is_seen(address) is None


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("unix:///var/run/docker.sock", ""),
        ("npipe:////./pipe/docker_engine", ""),
        ("tcp://127.0.0.1:2375", ""),
        ("tcp://localhost:2375", ""),
        ("tcp://[::1]:2375", ""),
        ("tcp://docker:2375", "docker"),
        ("https://engine.example:2376", "engine.example"),
        ("tcp://[fd00::2]:2375", "fd00::2"),
    ],
)
def test_the_machine_of_an_engine_is_named_by_its_address(address: str, name: str) -> None:
    assert remote_name(address) == name


def test_a_name_that_the_user_gave_to_a_machine_for_ssh_is_that_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\necho "user ann"\necho "hostname $3.example"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert remote_name("ssh://ann@build") == "build.example"


def test_a_name_for_this_machine_is_no_other_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho hostname 127.0.0.1\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    assert not remote_name("ssh://ann@build")


def test_without_an_ssh_a_name_is_taken_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    assert remote_name("ssh://ann@build:22") == "build"


def test_an_engine_that_is_elsewhere_shares_no_kernel_however_alike_they_are(
    tmp_path: Path,
) -> None:
    location = read_location(
        address="tcp://docker:2375",
        kernel=os.uname().release,
        container=None,
        folder=tmp_path,
        has_networks=True,
    )

    assert not location.shares_kernel
    assert (location.near, location.hidden, location.remote) == (False, False, "docker")
