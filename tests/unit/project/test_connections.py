"""A worker finds out whether the servers of its databases still listen."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from ctest_containers.model import Address, Lease, Vendor
from ctest_containers.project import connections


@pytest.fixture(autouse=True)
def _open_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver has not noticed anything."""
    monkeypatch.setattr(connections, "was_closed", lambda _: False)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        server.listen(1)
        yield server


def _lease(listener: socket.socket) -> Lease:
    path = listener.getsockname()
    address = Address(host=str(Path(path).parent), port=5432, user="me", socket=path)
    return Lease(alias="default", settings={}, vendor=Vendor("postgresql"), address=address)


def test_a_server_whose_queue_of_connections_is_full_can_be_reached(
    listener: socket.socket,
) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(socket.socket(socket.AF_UNIX))
            client.settimeout(0)
            try:
                client.connect(listener.getsockname())
            except BlockingIOError:
                break
        else:
            pytest.fail("the queue is never full")

        assert connections.unreachable([_lease(listener)]) == []


def test_a_server_that_has_ended_cannot_be_reached(listener: socket.socket) -> None:
    lease = _lease(listener)
    listener.close()

    assert connections.unreachable([lease]) == ["default"]
