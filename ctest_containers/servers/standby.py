"""The process of a server host, and the one that is started ahead of time.

A server host takes half a second to load its libraries, about as long as the parent takes to load a
project. So it is started first, if the last run in the same folder needed one. If the same command
was run before, the host even starts the servers that were needed then: in most projects they are up
when the parent knows that it needs them.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from ctest_containers.engine.folders import make_run_folder, remove_folder
from ctest_containers.errors import EngineError
from ctest_containers.servers.requests import CONNECTED, REQUESTS, StartServer

PROGRAM: Final = (
    # The current folder may hold modules with the names of ours or of libraries.
    "import sys; sys.path[:] = [p for p in sys.path if p]; "
    "from ctest_containers.servers.serve import main; main()"
)

END_SECONDS: Final = 60.0
"""How long a host that is not needed may take to remove its servers and to end."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """The servers that a host was asked for before it was known whether they are needed.

    Attributes:
        servers: By the number of the request for each.
        began: When, by the monotonic clock.
    """

    servers: Mapping[int, StartServer]
    began: float


@dataclass(slots=True)
class HostProcess:
    """The process of a server host.

    Attributes:
        log: What it writes to its standard error; a file without a name.
        arguments: What it is for; empty until `begin`.
    """

    process: subprocess.Popen[bytes]
    log: IO[bytes]
    arguments: Mapping[str, Any]
    ahead: Ahead | None = None

    def end(self) -> None:
        """Let it end, as it does when its input ends, and wait for that."""
        try:
            self.process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.log.close()
        if self.ahead is not None:
            remove_folder(Path(self.arguments["folder"]))

    def begin(self, arguments: Mapping[str, Any]) -> None:
        """Send what it is for."""
        self.arguments = arguments
        self.send(json.dumps(arguments))

    def send(self, line: str) -> None:
        """Send a line; the next request finds out if the process has ended."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()


class Standby:
    """A server host that waits for the run that needs it.

    Attributes:
        command: What this process runs, with all its arguments; empty if no note is kept of it.
    """

    def __init__(self) -> None:
        self.command: tuple[str, ...] = ()
        self.waiting: HostProcess | None = None

    def start(self) -> None:
        """Start a host, unless one waits already."""
        if self.waiting is None:
            self.waiting = start_host()

    def start_servers(self, project: str, transport: str, servers: Sequence[StartServer]) -> None:
        """Let the host that waits start servers for a project."""
        host = self.waiting
        if host is None or host.arguments:
            return
        run = secrets.token_hex(4)
        try:
            folder = make_run_folder(run)
        except EngineError:
            # The run reports this error itself when it needs the folder.
            return
        host.begin(arguments(run=run, folder=folder, project=project, transport=transport))
        host.ahead = Ahead(dict(enumerate(servers, start=CONNECTED + 1)), time.monotonic())
        for number, server in host.ahead.servers.items():
            host.send(REQUESTS.encode(server, id=number))

    def take(self, arguments: Mapping[str, Any]) -> HostProcess:
        """Return a host for these arguments: the one that waits if it fits, or a new one.

        A host that has started servers already keeps its own run and folder.
        """
        waiting, self.waiting = self.waiting, None
        if waiting is not None and waiting.arguments:
            own = {name: waiting.arguments[name] for name in ("run", "folder")}
            if {**arguments, **own} == waiting.arguments:
                return waiting
            waiting.end()
            waiting = None
        host = waiting or start_host()
        host.begin(arguments)
        return host

    def end(self) -> None:
        """End the host that waits, if there is one: no run needs it."""
        waiting, self.waiting = self.waiting, None
        if waiting is not None:
            waiting.end()


STANDBY: Final = Standby()
"""That of this process. Django's `test` command lies between the code that starts the host and the
code that needs it, so neither can pass it to the other."""


def arguments(
    *, run: str, folder: Path, project: str, transport: str, service: str = ""
) -> dict[str, Any]:
    """Return the first line that a host receives.

    Args:
        service: The file of the service that is to keep its servers; empty if there is none.
    """
    return {
        "run": run,
        "folder": str(folder),
        "owner": os.getpid(),
        "project": project,
        "transport": transport,
        "service": service,
        "sweep": False,
        "environment": engine_variables(),
    }


def engine_variables() -> dict[str, str]:
    """Return the variables that name the engine; settings may have changed them meanwhile."""
    return {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}


def start_host() -> HostProcess:
    """Start the process of a host, which then waits for its arguments."""
    package_parent = str(Path(__file__).resolve().parents[2])
    search_path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    log = tempfile.TemporaryFile()  # noqa: SIM115  # It lives as long as the process does.
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
        # Ctrl-C at the terminal must not reach the process that cleans up.
        start_new_session=True,
    )
    return HostProcess(process, log, {})
