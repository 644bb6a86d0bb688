"""The server host that waits for the next round, and those that rounds have taken over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ctest_containers.engine.folders import dead_run_folders, remove_folder
from ctest_containers.servers.requests import StartServer
from ctest_containers.servers.standby import STANDBY, HostProcess
from ctest_containers.storage import cache_folder
from ctest_containers.supply.earlier_runs import EarlierRuns
from ctest_containers.watching.messages import WaitingHost
from ctest_containers.watching.playing import COMMAND

END_SECONDS: Final = 30.0
"""How long hosts may take to remove their servers when watch mode ends."""


class Hosts:
    """Starts hosts, and removes what the host of a killed round leaves.

    Args:
        folder: The folder of the project.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handed: list[HostProcess] = []

    def start(self, workers: int | None) -> None:
        """Start a host with servers like those that the last round began with, if it needed any.

        Args:
            workers: How many workers get servers; None for as many as then.
        """
        waiting = STANDBY.waiting
        if waiting is not None and waiting.process.poll() is not None:
            self._handed.append(waiting)
            STANDBY.waiting = waiting = None
        earlier = EarlierRuns(cache_folder())
        if waiting is not None or not earlier.needed_host(self._folder):
            return
        STANDBY.start()
        if needs := earlier.of_command(self._folder, (COMMAND,)):
            servers = needs.servers if workers is None else like(needs.servers, workers)
            STANDBY.start_servers(needs.project, needs.transport, servers)

    def take(self) -> tuple[WaitingHost, Sequence[int]] | None:
        """Return the host that waits and its descriptors, to be sent to a round; None without one.

        Call `handed_over` when they have been sent.
        """
        host = STANDBY.waiting
        if host is None:
            return None
        process = host.process
        assert process.stdin is not None
        assert process.stdout is not None
        ahead = host.ahead
        waiting = WaitingHost(
            pid=process.pid,
            task=host.task,
            servers=() if ahead is None else tuple(ahead.servers.values()),
            began=0.0 if ahead is None else ahead.began,
        )
        return waiting, [process.stdin.fileno(), process.stdout.fileno(), host.log.fileno()]

    def handed_over(self) -> None:
        """Close this process's descriptors of the host, which ends when those of the round do."""
        host, STANDBY.waiting = STANDBY.waiting, None
        if host is not None:
            for file in (host.process.stdin, host.process.stdout, host.log):
                if file is not None:
                    with suppress(OSError):
                        file.close()
            self._handed.append(host)

    def tend(self) -> None:
        """Remove the folders of hosts that have ended."""
        for host in [host for host in self._handed if host.process.poll() is not None]:
            self._handed.remove(host)
            if host.task is not None:
                remove_folder(Path(host.task.folder))

    def close(self) -> None:
        """End all hosts, and wait until they have removed their servers."""
        STANDBY.end()
        deadline = time.monotonic() + END_SECONDS
        while self._handed and time.monotonic() < deadline:
            self.tend()
            time.sleep(0.02)
        for folder in dead_run_folders():
            remove_folder(folder)


def like(servers: Sequence[StartServer], workers: int) -> list[StartServer]:
    """Return requests for a number of workers' servers, like those for the first of a round.

    Their names are those that a run would choose: worker, group and number.
    """
    groups: dict[str, StartServer] = {}
    for request in servers:
        _, _, rest = request.server.partition("-")
        groups.setdefault(rest.rpartition("-")[0], request)
    return [
        replace(request, server=f"w{worker}-{label}-{number}")
        for number, (worker, (label, request)) in enumerate(
            ((worker, group) for worker in range(1, workers + 1) for group in groups.items()),
            start=1,
        )
    ]
