"""Starts the server host's process, ahead of time where an engine was needed last time.

It takes the process half a second to load its libraries, which is about what it takes the parent to
load a project. Where the same command was run before, the host is even told to start the servers
that were needed then: in most projects they are up when the parent knows that it wants them.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Final

from ctest_containers.codec import build
from ctest_containers.engine.folders import make_run_folder, remove_folder
from ctest_containers.errors import EngineError
from ctest_containers.servers.requests import CONNECTED, REQUESTS, StartServer
from ctest_containers.storage import replace_text

PROGRAM: Final = (
    # The current folder may hold modules with the names of ours or of libraries.
    "import sys; sys.path[:] = [p for p in sys.path if p]; "
    "from ctest_containers.servers.serve import main; main()"
)


END_SECONDS: Final = 60.0
"""What one may take to end that is not needed, and to remove what it has started."""

KEPT_COMMANDS: Final = 50
"""Of so many commands is remembered which servers they needed, of those that were run last."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a command needed of a server host.

    Attributes:
        servers: The first one of each worker and group.
    """

    project: str
    transport: str
    servers: tuple[StartServer, ...]


@dataclass(frozen=True, slots=True)
class Ahead:
    """The servers that a host was asked for before anybody knew whether they would be wanted.

    Attributes:
        servers: By the number of the request for each.
        began: When, by the monotonic clock.
    """

    servers: Mapping[int, StartServer]
    began: float


@dataclass(slots=True)
class HostProcess:
    """A server host.

    Attributes:
        log: What it writes to its standard error; a file without a name.
        arguments: What it is for; empty while it waits to be told.
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
        """Tell it what it is for."""
        self.arguments = arguments
        self.send(json.dumps(arguments))

    def send(self, line: str) -> None:
        """Send it a line; that it has ended is found out by who asks it."""
        assert self.process.stdin is not None
        with suppress(OSError):
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()


@dataclass(slots=True)
class _State:
    """What this process knows of hosts.

    Attributes:
        waiting: The host that was started ahead of time, and is not used yet.
        command: What is being run; empty where what it needs is not kept.
    """

    waiting: HostProcess | None = None
    command: tuple[str, ...] = ()


_state = _State()


def arguments(
    *, run: str, folder: Path, project: str, transport: str, service: str = ""
) -> dict[str, Any]:
    """What a host is told first.

    Args:
        service: The file of the service that is to keep its servers; empty where none is.
    """
    return {
        "run": run,
        "folder": str(folder),
        "owner": os.getpid(),
        "project": project,
        "transport": transport,
        "service": service,
        "sweep": False,
        "environment": _engine_variables(),
    }


def start_ahead(cache: Path, folder: Path, command: Sequence[str] = ()) -> None:
    """Start a host if the last run in this folder needed one.

    Args:
        command: What is being run, with all its arguments; what it needed last time is started,
            too. Empty starts the host alone.
    """
    _state.command = tuple(command)
    if _state.waiting is not None:
        return
    kept = _read(_note(cache, folder))
    if kept is None:
        return
    _state.waiting = _start()
    needs = _needs(kept.get(_key(_state.command)))
    if needs is not None:
        _order(_state.waiting, needs)


def take(arguments: Mapping[str, Any]) -> HostProcess:
    """A host that is for this: the one that was started ahead, or a new one.

    One that has been told what it is for keeps its own run and folder; it is given up where
    anything else of it is not what is wanted.
    """
    waiting, _state.waiting = _state.waiting, None
    if waiting is not None and waiting.arguments:
        own = {name: waiting.arguments[name] for name in ("run", "folder")}
        if {**arguments, **own} == waiting.arguments:
            return waiting
        waiting.end()
        waiting = None
    host = waiting or _start()
    host.begin(arguments)
    return host


def give_up() -> None:
    """Nobody needs a host after all."""
    waiting, _state.waiting = _state.waiting, None
    if waiting is not None:
        waiting.end()


def remember(cache: Path, folder: Path, *, needed: bool, needs: Needs | None = None) -> None:
    """Whether a run in this folder needed a host; one that cannot be noted starts no host ahead.

    Args:
        needs: What the command needed that was said when a host was to be started ahead.
    """
    note = _note(cache, folder)
    with suppress(OSError):
        if not needed:
            note.unlink(missing_ok=True)
            return
        kept = _read(note) or {}
        key = _key(_state.command)
        entry = kept.pop(key, None)
        if _state.command and needs is not None:
            entry = asdict(needs)
        if entry is not None:
            kept[key] = entry
        replace_text(note, json.dumps(dict(list(kept.items())[-KEPT_COMMANDS:])))


def _order(host: HostProcess, needs: Needs) -> None:
    run = secrets.token_hex(4)
    try:
        folder = make_run_folder(run)
    except EngineError:
        # The run says so itself when it needs the folder.
        return
    host.begin(arguments(run=run, folder=folder, project=needs.project, transport=needs.transport))
    host.ahead = Ahead(dict(enumerate(needs.servers, start=CONNECTED + 1)), time.monotonic())
    for number, server in host.ahead.servers.items():
        host.send(REQUESTS.encode(server, id=number))


def _engine_variables() -> dict[str, str]:
    """Which engine is meant; settings may have changed that since the host was started."""
    return {name: value for name, value in os.environ.items() if name.startswith("DOCKER_")}


def _needs(entry: Any) -> Needs | None:
    """What is kept of a command; None where nothing is, or nothing that can be understood."""
    try:
        needs: Needs = build(Needs, {**entry})
    except (KeyError, TypeError, ValueError):
        return None
    return needs


def _read(note: Path) -> dict[str, Any] | None:
    """What is kept of a folder; None where no run in it needed a host."""
    try:
        kept = json.loads(note.read_text() or "{}")
    except OSError:
        return None
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}


def _key(command: Sequence[str]) -> str:
    """A command, and the engine that it meant: where settings name one, none is known ahead."""
    meant = [list(command), sorted(_engine_variables().items())]
    return hashlib.sha256(json.dumps(meant).encode()).hexdigest()[:16]


def _note(cache: Path, folder: Path) -> Path:
    return cache / "needs-engine" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]


def _start() -> HostProcess:
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
