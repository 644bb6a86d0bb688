"""Who owns a container, and whether that process still lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from ctest_containers.engine.labels import container_of, is_kept, owner, owner_is_dead


@pytest.fixture
def ended() -> str:
    """The label of a process that has ended and been waited for."""
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        pid, value = process.pid, owner(process.pid)
    assert not psutil.pid_exists(pid)
    return value


def test_this_process_is_not_dead() -> None:
    assert not owner_is_dead(owner(os.getpid()))


def test_the_label_names_this_machine_and_this_process() -> None:
    value = owner(os.getpid())

    assert value.startswith(f"{socket.gethostname()}/")
    assert f"/{os.getpid()}/" in value


def test_a_process_that_has_ended_is_dead(ended: str) -> None:
    assert owner_is_dead(ended)


def test_a_process_that_has_ended_and_was_not_waited_for_is_dead() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        value = owner(process.pid)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

        assert owner_is_dead(value)


def test_a_process_that_has_the_id_of_an_ended_one_is_not_the_owner() -> None:
    boot, pid, _ = owner(os.getpid()).rsplit("/", 2)

    assert owner_is_dead(f"{boot}/{pid}/12345.00")


def test_a_process_of_an_earlier_boot_is_dead() -> None:
    host, _, space, pid, started = owner(os.getpid()).split("/")

    assert owner_is_dead(f"{host}/another-boot/{space}/{pid}/{started}")


def test_a_process_of_another_machine_is_never_dead(ended: str) -> None:
    _, rest = ended.split("/", 1)

    assert not owner_is_dead(f"not-{socket.gethostname()}/{rest}")


def test_a_process_of_another_container_is_never_dead(ended: str) -> None:
    host, boot, _, pid, started = ended.split("/")

    assert not owner_is_dead(f"{host}/{boot}/1/{pid}/{started}")


def test_the_label_names_the_container_that_the_process_is_in() -> None:
    value = owner(os.getpid(), "c1/2026-01-01T00:00:00.5Z")

    assert container_of(value) == ("c1", "2026-01-01T00:00:00.5Z")
    assert not owner_is_dead(value)


def test_an_ended_process_is_dead_in_a_container_as_elsewhere(ended: str) -> None:
    assert owner_is_dead(f"{ended}/c1/2026-01-01T00:00:00.5Z")


def test_a_process_in_no_container_names_none() -> None:
    assert container_of(owner(os.getpid())) is None
    assert container_of("//////") is None


@pytest.mark.parametrize("value", ["", "x", "a/b", "a/b/c", "//", "////", "a/b/c/d/e/f", "//////"])
def test_a_label_that_is_none_of_ours_is_never_dead(value: str) -> None:
    assert not owner_is_dead(value)


@pytest.mark.parametrize("rest", ["x/1.0", "/", "1"])
def test_a_broken_label_of_this_machine_is_never_dead(rest: str) -> None:
    boot = owner(os.getpid()).rsplit("/", 2)[0]

    assert not owner_is_dead(f"{boot}/{rest}")


def test_a_file_keeps_what_it_names_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "service.json"
    file.write_text('{"containers": ["ctest-1-s1-postgresql-2"]}')

    assert is_kept(str(file), "ctest-1-s1-postgresql-2")
    assert not is_kept(str(file), "ctest-1-s1-postgresql")
    assert not is_kept(str(tmp_path / "missing.json"), "ctest-1-s1-postgresql-2")
    assert not is_kept("", "ctest-1-s1-postgresql-2")


def test_a_file_that_cannot_be_read_may_name_anything(tmp_path: Path) -> None:
    assert is_kept(str(tmp_path), "ctest-1-s1-postgresql")
