"""Dask clusters on this machine: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.hosts import Host
from harness.programs import start_program
from harness.projects import TESTS, wait_for

LOOPBACK: Final = "127.0.0.1"
LOG_LENGTH: Final = 4000


@dataclass(slots=True)
class DaskCluster:
    """A running scheduler.

    Attributes:
        file: What the scheduler has written, for those who look for it.
        workers: The processes of the Dask workers that were started, dead ones among them.
    """

    folder: Path
    env: Mapping[str, str]
    options: Sequence[str] = ()
    address: str = LOOPBACK
    scheduler: subprocess.Popen[bytes] | None = None
    file: Path = field(init=False)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = self.folder / "scheduler.json"

    def add_worker(
        self,
        *options: str,
        env: Mapping[str, str] | None = None,
        instead: tuple[Path, Path] | None = None,
        host: Host | None = None,
        before: Sequence[str] = (),
    ) -> int:
        """Start one more Dask worker, without a nanny, and give its place among the workers.

        Args:
            instead: A folder that it sees, and the one in whose place it sees it.
            host: Where it runs, and whose engine it uses.
            before: A command that starts it.
        """
        place = list(before) if host is None else host.inside()
        own = {} if host is None else {"DOCKER_HOST": host.host}
        if instead is not None:
            place = ["unshare", "--mount", "sh", "-c", MOUNTED, *map(str, instead)]
        name = f"worker-{len(self.workers)}"
        self.workers.append(
            _start(
                self.folder / f"{name}.log",
                *("worker", "--scheduler-file", str(self.file), "--no-nanny", "--nthreads", "1"),
                *("--host", self.address if host is None else host.address),
                *("--name", name, "--no-dashboard"),
                *("--local-directory", str(self.folder / name), *self.options, *options),
                place=place,
                env={**self.env, **own, **(env or {})},
            )
        )
        return len(self.workers) - 1

    def kill_worker(self, place: int) -> None:
        """End a Dask worker as the kernel would."""
        self.workers[place].kill()
        self.workers[place].wait(10)

    def kill_scheduler(self) -> None:
        """End the scheduler as the kernel would."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait(10)

    def pause_worker(self, place: int) -> None:
        """Stop a Dask worker, so that nothing is heard of it."""
        self.workers[place].send_signal(signal.SIGSTOP)

    def log(self, place: int) -> str:
        """What a Dask worker has printed."""
        return (self.folder / f"worker-{place}.log").read_text(errors="replace")


@contextmanager
def dask_cluster(
    folder: Path,
    env: Mapping[str, str],
    *options: str,
    workers: int = 1,
    address: str = LOOPBACK,
    before: Sequence[str] = (),
) -> Iterator[DaskCluster]:
    """A scheduler with so many workers, which are ended with it.

    Args:
        options: For the scheduler and for each worker.
        address: Where the scheduler listens.
        before: A command that starts it.
    """
    folder.mkdir()
    # The runner that records is known there, as all that a project needs has to be.
    env = {**env, "PYTHONPATH": str(TESTS)}
    cluster = DaskCluster(folder, env, options, address)
    cluster.scheduler = scheduler = _start(
        folder / "scheduler.log",
        *("scheduler", "--scheduler-file", str(cluster.file), "--host", address),
        *("--port", "0", "--no-dashboard", *options),
        env=env,
        place=before,
    )
    try:
        wait_for(cluster.file.is_file, 30, "the scheduler")
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        # Asked to end, each would wait for the others.
        for process in (*cluster.workers, scheduler):
            process.kill()
            process.wait(10)
        # pytest shows it with a test that fails.
        for log in sorted(folder.glob("*.log")):
            print(f"{log.name}:\n{log.read_text(errors='replace')[-LOG_LENGTH:]}")  # noqa: T201


MOUNTED: Final = 'mount --bind "$0" "$1" && shift && exec "$@"'


def _start(
    log: Path,
    *command: str,
    env: Mapping[str, str],
    place: Sequence[str] = (),
) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return start_program(
            [*place, sys.executable, "-m", "dask", *command],
            Path.cwd(),
            env,
            own_session=True,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
