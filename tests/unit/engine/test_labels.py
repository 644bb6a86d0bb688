"""Who owns a container, and whether that process still lives."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import psutil
import pytest

from ctest_containers.engine.labels import owner, owner_is_dead


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


@pytest.mark.parametrize("value", ["", "x", "a/b", "a/b/c", "//", "////"])
def test_a_label_that_is_none_of_ours_is_never_dead(value: str) -> None:
    assert not owner_is_dead(value)


@pytest.mark.parametrize("rest", ["x/1.0", "/", "1"])
def test_a_broken_label_of_this_machine_is_never_dead(rest: str) -> None:
    boot = owner(os.getpid()).rsplit("/", 2)[0]

    assert not owner_is_dead(f"{boot}/{rest}")
