"""A worker's messages arrive in their order, some of them together."""

from __future__ import annotations

import socket

from ctest_containers.events import UsageRecorded, WorkerReady
from ctest_containers.wire import LineBuffer, decode
from ctest_containers.workers.channel import Channel

USED = UsageRecorded(worker=1, unit="test a.A.b", first=0)
READY = WorkerReady(worker=1)


def test_queued_events_arrive_before_the_next_message() -> None:
    mine, parents = socket.socketpair()
    with mine, parents:
        channel = Channel(mine)

        channel.queue(USED)
        channel.send(READY)
        channel.send(READY)

        mine.shutdown(socket.SHUT_WR)
        lines = LineBuffer()
        data = b"".join(iter(lambda: parents.recv(65536), b""))
        assert [decode(line) for line in lines.feed(data)] == [USED, READY, READY]
