"""What is between a process and an engine is told apart, within the time that there is."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ctest_containers.engine.reach import Obstacle, is_remote, reach, socket_path

SECONDS = 0.3

NOBODY = 65534


@contextmanager
def answering(listener: socket.socket, answer: bytes) -> Iterator[None]:
    """Somebody who answers the first one that asks, or says nothing for as long as it waits."""
    listener.listen()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(4096)
            if answer:
                connection.sendall(answer)
            else:
                connection.recv(1)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        thread.join()


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    """A socket that nobody listens at yet."""
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(tmp_path / "s"))
        yield made


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\nOK", None),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Obstacle.NOT_AN_ENGINE),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Obstacle.NOT_AN_ENGINE),
        (b"", Obstacle.SILENT),
    ],
)
def test_who_answers_at_a_socket_is_an_engine_or_is_not(
    listener: socket.socket, answer: bytes, expected: Obstacle | None
) -> None:
    with answering(listener, answer):
        found = reach(f"unix://{listener.getsockname()}", SECONDS)

    assert found.obstacle is expected


def test_somebody_who_never_ends_a_line_is_not_waited_for(listener: socket.socket) -> None:
    listener.listen()
    over = threading.Event()

    def dribble() -> None:
        connection, _ = listener.accept()
        with connection:
            while not over.wait(0.05):
                connection.sendall(b"x")

    thread = threading.Thread(target=dribble)
    thread.start()
    began = time.monotonic()
    found = reach(f"unix://{listener.getsockname()}", SECONDS)
    took = time.monotonic() - began
    over.set()
    thread.join()

    assert found.obstacle is Obstacle.SILENT
    assert took < 5 * SECONDS


def test_a_socket_at_which_nobody_listens_refuses(listener: socket.socket) -> None:
    assert reach(f"unix://{listener.getsockname()}", SECONDS).obstacle is Obstacle.REFUSED


def test_a_socket_that_does_not_exist_is_absent(tmp_path: Path) -> None:
    assert reach(f"unix://{tmp_path}/none", SECONDS).obstacle is Obstacle.ABSENT
    assert reach(f"unix://{__file__}/none", SECONDS).obstacle is Obstacle.ABSENT


def test_a_file_is_no_socket() -> None:
    assert reach(f"unix://{__file__}", SECONDS).obstacle is Obstacle.NOT_A_SOCKET


def test_a_socket_of_somebody_else_is_forbidden(listener: socket.socket) -> None:
    path = Path(listener.getsockname())
    listener.listen()
    path.chmod(0)

    # The superuser may do everything, and is nobody for this once.
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                for folder in path.parents[:-2]:
                    folder.chmod(0o755)
                os.setgroups([])
                os.setuid(NOBODY)
            os._exit(0 if reach(f"unix://{path}", SECONDS).obstacle is Obstacle.FORBIDDEN else 1)
        finally:
            os._exit(2)
    _, status = os.waitpid(child, 0)

    assert os.waitstatus_to_exitcode(status) == 0


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("tcp://127.0.0.1:1", Obstacle.REFUSED),
        ("tcp://no-such-host.invalid:2375", Obstacle.UNKNOWN_HOST),
        ("tcp://", Obstacle.BAD_ADDRESS),
        ("tcp://127.0.0.1:many", Obstacle.BAD_ADDRESS),
        ("nonsense", Obstacle.BAD_ADDRESS),
        ("ssh://me@there", None),
    ],
)
def test_an_address_that_is_no_socket_is_told_apart_as_well(
    address: str, expected: Obstacle | None
) -> None:
    assert reach(address, SECONDS).obstacle is expected


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("unix:///var/run/docker.sock", Path("/var/run/docker.sock")),
        ("unix://var/run/docker.sock", Path("/var/run/docker.sock")),
        ("/var/run/docker.sock", Path("/var/run/docker.sock")),
        ("tcp://localhost:2375", None),
    ],
)
def test_the_file_of_an_address_is_as_the_sdk_has_it(address: str, path: Path | None) -> None:
    assert socket_path(address) == path


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("unix:///var/run/docker.sock", False),
        ("tcp://localhost:2375", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://docker:2375", True),
        ("ssh://me@there", True),
    ],
)
def test_only_an_address_of_another_machine_is_remote(address: str, expected: bool) -> None:  # noqa: FBT001
    assert is_remote(address) is expected
