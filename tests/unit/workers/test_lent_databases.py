"""A worker uses what its parent lends, in whatever order and thread it asks for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.model import Lease
from ctest_containers.project import connections
from ctest_containers.project.isolation import Worker
from ctest_containers.project.process import ProjectSetup
from ctest_containers.wire import (
    Command,
    DatabaseRequest,
    LineBuffer,
    ServerVerdict,
    UseResources,
    VerdictRequest,
    decode,
    encode,
)
from ctest_containers.workers.assignment import Assignment, WorkerConfig
from ctest_containers.workers.channel import Channel
from ctest_containers.workers.lent_databases import LentDatabases

SECONDS = 20.0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The two ends of a channel."""
    parent, worker = socket.socketpair()
    with parent, worker:
        for end in (parent, worker):
            end.settimeout(SECONDS)
        yield parent, worker


def _assignment(folder: Path) -> Assignment:
    config = WorkerConfig(
        separate=False,
        worker_setup="",
        serialized=frozenset(),
        reset="auto",
        leaks="off",
        failfast=False,
        buffer=False,
        debug_sql=False,
        limit=None,
        adaptive={},
        folder=folder,
    )
    return Assignment(
        worker=1,
        own=Worker(number=1, run="0", folder=folder),
        worker_config=config,
        setup=ProjectSetup(spawned=False),
        batches=(),
        stack_file=folder / "stack",
        output=None,
        close=(),
    )


def test_a_database_that_connects_while_it_is_lent_waits_for_no_other_thread(
    ends: tuple[socket.socket, socket.socket], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to an interrupted request arrives with that to another; SQLite then connects."""
    parent, worker = ends
    databases = LentDatabases(_assignment(tmp_path), Channel(worker))
    asks = threading.Event()

    def redirect(lease: Lease) -> None:
        # The guard asks for an alias that connects.
        databases.lend(lease.alias)

    monkeypatch.setattr(connections, "redirect", redirect)
    monkeypatch.setattr(connections, "remember", lambda *_: None)
    monkeypatch.setattr(connections, "serialize", lambda _: None)
    monkeypatch.setattr(connections, "unreachable", lambda _: [])
    monkeypatch.setattr(connections, "was_closed", lambda _: True)
    databases.use(UseResources(databases=(Lease(alias="default", settings={}),)))

    def ask() -> None:
        asks.set()
        databases.lend("third")

    thread = threading.Thread(target=ask, daemon=True)

    def answer() -> None:
        lines = LineBuffer()
        while data := parent.recv(65536):
            for line in lines.feed(data):
                for command in _answers(decode(line)):
                    parent.sendall(encode(command))

    def _answers(message: Any) -> Iterator[Command]:
        match message:
            case VerdictRequest():
                thread.start()
                asks.wait(SECONDS)
                yield UseResources(databases=(Lease(alias="late", settings={}),), answers="late")
                yield ServerVerdict(lost=False)
            case DatabaseRequest(alias=alias):
                yield UseResources(databases=(Lease(alias=alias, settings={}),), answers=alias)

    answering = threading.Thread(target=answer, daemon=True)
    answering.start()

    databases.check_servers("a report")

    thread.join(SECONDS)
    assert not thread.is_alive()
    worker.shutdown(socket.SHUT_RDWR)
    answering.join(SECONDS)
