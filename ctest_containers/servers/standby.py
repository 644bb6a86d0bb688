"""The process of a server host, which may be started ahead of time.

A server host takes half a second to load its libraries, about as long as the parent takes to load a
project. So it is started first if the last run in the same folder needed one. If the same command
was run before, the host also starts the servers that it needed then: in most projects, they are up
by the time the parent knows that it needs them.
"""

from __future__ import annotations

import math
import os
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Final

from ctest_containers.engine.folders import make_run_folder, remove_folder
from ctest_containers.errors import EngineError
from ctest_containers.servers.answers import TASKS, HostTask
from ctest_containers.servers.requests import CONNECTED, REQUESTS, StartServer

PROGRAM: Final = (
    # Modules in the current folder may have the names of ours or of libraries.
    "import sys; sys.path[:] = [p for p in sys.path if p]; "
    "from ctest_containers.servers.serve import main; main()"
)

END_SECONDS: Final = 60.0
"""How long a host that is not needed may take to remove its servers and end."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The servers that were requested before it was known whether they are needed.

    Attributes:
        servers: The requests, by their numbers.
        began: When they were sent, in seconds of the monotonic clock.
    """

    servers: Mapping[int, StartServer]
    began: float


class HandedProcess(subprocess.Popen[bytes]):
    """A host's process that this process did not start itself, but was handed over to it.

    Args:
        stdin: The descriptor of its standard input.
        stdout: The descriptor of its standard output.
    """

    def __init__(self, pid: int, stdin: int, stdout: int) -> None:
        # Popen's own would start a process.
        self.args = ""
        self.pid = pid
        self.returncode = 0
        self.stdin = open(stdin, "wb")  # noqa: SIM115  # A descriptor.
        self.stdout = open(stdout, "rb", buffering=0)  # noqa: SIM115
        self.stderr = None

    def communicate(
        self,
        input: bytes | None = None,  # noqa: A002, ARG002  # Popen's.
        timeout: float | None = None,
    ) -> tuple[bytes, bytes]:
        """Close its input, and return its output until it ends.

        Raises:
            subprocess.TimeoutExpired: It has not ended in time.
        """
        assert self.stdin is not None
        assert self.stdout is not None
        with suppress(OSError):
            self.stdin.close()
        limit = math.inf if timeout is None else timeout
        deadline, output = time.monotonic() + limit, b""
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.stdout], [], [], min(left, 1.0))[0]:
                data = self.stdout.read(65536)
                if not data:
                    return output, b""
                output += data
        raise subprocess.TimeoutExpired("server host", limit)

    def kill(self) -> None:
        """Kill it."""
        with suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)


@dataclass(slots=True)
class HostProcess:
    """The process of a server host.

    Attributes:
        log: An unnamed file with its standard error.
        task: What it was started for; None until `begin`.
        ahead: The servers that it started ahead of time; None if there are none.
    """

    process: subprocess.Popen[bytes]
    log: IO[bytes]
    task: HostTask | None = None
    ahead: Ahead | None = None

    def end(self) -> None:
        """End its input, and wait until it ends."""
        try:
            self.process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.log.close()
        if self.ahead is not None and self.task is not None:
            remove_folder(Path(self.task.folder))

    def begin(self, task: HostTask) -> None:
        """Send its task."""
        self.task = task
        self.send(TASKS.encode(task))

    def send(self, line: str) -> None:
        """Send a line; the next request reports a process that has ended."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()


class Standby:
    """A server host that waits for the run that needs it.

    Attributes:
        command: The command line of this process; empty if it is not remembered.
        waiting: The host that waits; None if there is none.
        is_warm: Whether its servers are those that the run is known to need.
    """

    def __init__(self) -> None:
        self.command: tuple[str, ...] = ()
        self.waiting: HostProcess | None = None
        self.is_warm = False

    def start(self) -> None:
        """Start a host, unless one is waiting already."""
        if self.waiting is None:
            self.waiting = start_host()

    def start_servers(self, project: str, transport: str, servers: Sequence[StartServer]) -> None:
        """Have the waiting host start servers for a project."""
        host = self.waiting
        if host is None or host.task is not None:
            return
        run = secrets.token_hex(4)
        try:
            folder = make_run_folder(run)
        except EngineError:
            # The run reports this error itself when it needs the folder.
            return
        host.begin(task_of(run=run, folder=folder, project=project, transport=transport))
        host.ahead = Ahead(dict(enumerate(servers, start=CONNECTED + 1)), time.monotonic())
        for number, server in host.ahead.servers.items():
            host.send(REQUESTS.encode(server, id=number))

    def images(self) -> frozenset[str]:
        """Return the images of the servers that the waiting host has started."""
        ahead = None if self.waiting is None else self.waiting.ahead
        return frozenset(server.image for server in (ahead.servers if ahead else {}).values())

    def take(self, task: HostTask) -> HostProcess:
        """Return a host for a task: the waiting one if it has the same, or a new one.

        A host that has already started servers keeps its own run and folder.
        """
        waiting, self.waiting = self.waiting, None
        if waiting is not None and waiting.task is not None:
            if replace(task, run=waiting.task.run, folder=waiting.task.folder) == waiting.task:
                return waiting
            waiting.end()
            waiting = None
        host = waiting or start_host()
        host.begin(task)
        return host

    def end(self) -> None:
        """End the waiting host, if there is one: no run needs it."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.end()


STANDBY: Final = Standby()
"""The host of this process that waits. Django's `test` command lies between the code that starts it
and the code that needs it, so neither can pass it to the other."""


def task_of(*, run: str, folder: Path, project: str, transport: str, service: str = "") -> HostTask:
    """Return the task of a host that belongs to this process; see `HostTask`."""
    return HostTask(
        run=run,
        folder=str(folder),
        owner=os.getpid(),
        project=project,
        transport=transport,
        environment=engine_variables(),
        service=service,
    )


def engine_variables() -> dict[str, str]:
    """Return the environment variables that name the engine, which settings may change."""
    return {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}


def start_host() -> HostProcess:
    """Start the process of a host, which then waits for its arguments."""
    package_parent = str(Path(__file__).resolve().parents[2])
    search_path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    log = tempfile.TemporaryFile()  # noqa: SIM115  # It lives as long as the process.
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
        # Ctrl-C at the terminal must not reach the process that cleans up.
        start_new_session=True,
    )
    return HostProcess(process, log)
