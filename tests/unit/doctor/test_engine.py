"""What an engine lacks is said with what to do about it."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from unit.doctor.made_contexts import context, facts, worst

from ctest_containers.doctor.connectivity import check_reach
from ctest_containers.doctor.docker_contexts import check_contexts
from ctest_containers.doctor.engine import check_engine
from ctest_containers.doctor.finding import Finding, Severity
from ctest_containers.engine.facts import EngineKind
from ctest_containers.engine.reach import Obstacle, Reach
from ctest_containers.errors import EngineUnreachableError


def found(folder: Path, **changes: Any) -> list[Finding]:
    """The findings about an engine with which all is well, but for some changes."""
    return list(check_engine(context(folder, facts=facts(**changes))))


def test_an_engine_with_which_all_is_well_is_named(tmp_path: Path) -> None:
    (one,) = found(tmp_path)

    assert one.severity is Severity.OK
    assert one.what == "Docker Engine 28.2.2 (API 1.50) at unix:///var/run/docker.sock."


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"rootless": True}, "Rootless Docker Engine 28.2.2"),
        ({"kind": EngineKind.DESKTOP}, "Docker Desktop, Docker Engine 28.2.2"),
        ({"kind": EngineKind.COLIMA, "rootless": True}, "Colima, rootless Docker Engine 28.2.2"),
        ({"kind": EngineKind.PODMAN}, "Podman 28.2.2"),
    ],
)
def test_an_engine_is_called_what_people_call_it(
    tmp_path: Path, changes: dict[str, Any], name: str
) -> None:
    assert found(tmp_path, **changes)[0].what.startswith(f"{name} (API")


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"api": "1.20"}, Severity.ERROR, "too old"),
        ({"api": "1.40"}, Severity.WARNING, "older than 1.41"),
        ({"storage_driver": "vfs"}, Severity.WARNING, "copies the whole image"),
        ({"missing_limits": ("memory", "swap")}, Severity.WARNING, "does not limit memory of"),
        ({"clock_ahead_seconds": -90.0}, Severity.WARNING, "1 min 30 s behind"),
        ({"clock_ahead_seconds": 90.0}, Severity.WARNING, "1 min 30 s ahead of"),
        ({"root": "/var/snap/docker/common/var-lib-docker"}, Severity.WARNING, "snap"),
    ],
)
def test_what_it_lacks_is_told_with_a_fix(
    tmp_path: Path, changes: dict[str, Any], severity: Severity, words: str
) -> None:
    (one,) = worst(found(tmp_path, **changes))

    assert one.severity is severity
    assert words in one.what
    assert one.fix


def test_swap_that_is_not_limited_is_only_a_note(tmp_path: Path) -> None:
    assert worst(found(tmp_path, missing_limits=("swap",))) == []


@pytest.mark.parametrize(
    ("obstacle", "fix"),
    [
        (Obstacle.ABSENT, "unset DOCKER_HOST"),
        (Obstacle.NOT_A_SOCKET, "unset DOCKER_HOST"),
        (Obstacle.SILENT, "restart"),
        (Obstacle.UNKNOWN_HOST, "unset DOCKER_HOST"),
        (Obstacle.BAD_ADDRESS, "unix:///var/run/docker.sock"),
        (Obstacle.NOT_AN_ENGINE, "DOCKER_TLS_VERIFY=1"),
    ],
)
def test_each_obstacle_has_its_own_fix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obstacle: Obstacle, fix: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere.sock")
    reached = Reach(address="unix:///elsewhere.sock", obstacle=obstacle)

    (one,) = check_reach(context(tmp_path, reached=reached))

    assert one.severity is Severity.ERROR
    assert "elsewhere.sock" in one.what
    assert fix in one.fix


def test_another_engine_of_the_users_is_offered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    reached = Reach(address="unix:///elsewhere.sock", obstacle=Obstacle.ABSENT)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))

        (one,) = check_reach(context(tmp_path, reached=reached))

    assert f"`export DOCKER_HOST=unix://{tmp_path}/docker.sock`" in one.fix


def test_an_engine_that_says_nothing_of_itself_is_told_of_in_the_sdks_words(tmp_path: Path) -> None:
    trouble = EngineUnreachableError("No Docker Engine answers at ssh://there.")
    reached = Reach(address="ssh://there")

    (one,) = check_reach(context(tmp_path, reached=reached, trouble=trouble))

    assert one.what == "No Docker Engine answers at ssh://there."
    assert "docker[ssh]" in one.fix


@pytest.fixture
def meta(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the chosen context keeps its data, if it exists."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "colima"}')
    digest = hashlib.sha256(b"colima").hexdigest()
    return tmp_path / ".docker" / "contexts" / "meta" / digest / "meta.json"


def write(meta: Path, host: str) -> None:
    """Let the context exist."""
    meta.parent.mkdir(parents=True)
    endpoints = {"docker": {"Host": host}}
    meta.write_text(json.dumps({"Name": "colima", "Metadata": {}, "Endpoints": endpoints}))


def test_a_context_that_does_not_exist_is_told_of(tmp_path: Path, meta: Path) -> None:
    assert not meta.exists()

    (gone,) = check_contexts(context(tmp_path))

    assert "does not exist" in gone.what
    assert "docker context use" in gone.fix


def test_a_context_that_leads_elsewhere_is_an_error(tmp_path: Path, meta: Path) -> None:
    write(meta, "unix:///colima.sock")

    (one,) = check_contexts(context(tmp_path))

    assert one.severity is Severity.ERROR
    assert "export DOCKER_HOST=unix:///colima.sock" in one.fix


def test_another_engine_for_servers_than_for_images_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".testcontainers.properties").write_text("tc.host=tcp://there:2375\n")

    (one,) = check_contexts(context(tmp_path))

    assert one.severity is Severity.ERROR
    assert "would start servers at tcp://there:2375" in one.what


def test_a_context_that_leads_to_the_same_socket_is_all_right(tmp_path: Path, meta: Path) -> None:
    # Docker Desktop links the usual place to its own socket.
    (tmp_path / "link.sock").symlink_to("/colima.sock")
    write(meta, "unix:///colima.sock")

    (same,) = check_contexts(
        context(tmp_path, reached=Reach(address=f"unix://{tmp_path}/link.sock"))
    )

    assert same.severity is Severity.OK
