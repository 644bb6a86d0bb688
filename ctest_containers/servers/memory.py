"""Measures how much memory servers use."""

from __future__ import annotations

from contextlib import suppress

from ctest_containers.capacity.memory import used_by_group
from ctest_containers.engine import Containers
from ctest_containers.errors import EngineError
from ctest_containers.servers.running_server import RunningServer


class ServerMemory:
    """Measures servers.

    Attributes:
        sizes: What each server used when it was last measured, in bytes.
        peaks: The most that a server of each group has used, in bytes.
    """

    def __init__(self, engine: Containers) -> None:
        self._engine = engine
        self._processes: dict[str, int | None] = {}
        self.sizes: dict[str, int] = {}
        self.peaks: dict[str, int] = {}

    def measure(self, server: RunningServer, *, last: bool = False) -> None:
        """Measure a server; ask the engine, which may take a second, only if necessary.

        Args:
            last: Whether the server is about to be removed. A measurement of another server of its
                group is then enough.
        """
        name, group = server.request.server, server.request.group
        with suppress(EngineError):
            if name not in self._processes:
                self._processes[name] = self._engine.first_process(server.container)
            process = self._processes[name]
            count = None if process is None else used_by_group(process, server.container.id)
            if count is None:
                if last and group in self.peaks:
                    return
                count = self._engine.memory_bytes(server.container)
            self.peaks[group] = max(count, self.peaks.get(group, 0))
            self.sizes[name] = count

    def forget(self, server: str) -> None:
        """Forget the size of a server that is removed."""
        self.sizes.pop(server, None)
