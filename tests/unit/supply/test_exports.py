"""The changes of servers are archived, or the wait for them ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ctest_containers.errors import EngineError
from ctest_containers.model import Vendor
from ctest_containers.servers.client import Reply
from ctest_containers.servers.requests import ServerLimits, StartServer
from ctest_containers.supply.pending import Pending
from ctest_containers.supply.servers import WorkerServers


class Host:
    """A server host that dies after it has accepted a request."""

    def request(self, request: object) -> int:
        """Accept a request."""
        del request
        return 7

    def replies(self, timeout_seconds: float) -> list[Reply]:
        """Fail, as its process is gone."""
        del timeout_seconds
        raise EngineError("The process that owns the run's containers ended unexpectedly.")

    def fileno(self) -> int:
        """Return any descriptor."""
        return 0


class Snapshot:
    """A snapshot with a server."""

    label = "postgresql"

    def request(self, server: str, limits: ServerLimits) -> StartServer:
        """Return the request for a server."""
        del limits
        return StartServer(
            server=server,
            group="postgresql",
            image="localhost/ctest/shop:1",
            own_image=True,
            vendor=Vendor("postgresql"),
            users=(),
            timeout_seconds=1.0,
            memory_bytes=0,
        )


def test_an_export_ends_with_the_error_of_a_host_that_has_died(tmp_path: Path) -> None:
    host, snapshot = Host(), Snapshot()
    parts: Any = {"host": lambda: host, "report": lambda _: None, "folder": lambda: tmp_path}
    servers = WorkerServers(limits=ServerLimits(timeout_seconds=1.0, memory_bytes=0), **parts)
    of_worker: Any = Pending("w1-postgresql-1", snapshot, 1, 0.0, Reply(1, result={}))  # type: ignore[arg-type]
    servers._pending[1, "postgresql"] = of_worker

    [export] = servers.export(1, tmp_path)
    servers.update()

    assert export.reply is not None
    with pytest.raises(EngineError, match="ended unexpectedly"):
        export.reply.get()
    assert servers.fileno() is None
