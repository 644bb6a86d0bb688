"""Starts programs of this interpreter, as forks of the fork server wherever they can be that."""

from __future__ import annotations

import atexit
import fcntl
import functools
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

FOLLOWED: Final = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
"""Variables that an interpreter reads at its start, and that a fork does as they say."""

READ_AT_THE_START: Final = ("PYTHON", "LANG", "LC_", "LD_", "MALLOC_", "DASK_", "PSYCOPG_")
"""How the names of the others begin; a program for which they differ has to start by itself."""

NUMBER: Final = struct.Struct("=q")
"""How numbers travel: the size of a request, a process's id, and how it ended."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program to start.

    Attributes:
        name: A module, the path of a script, or code.
        option: What stands before the name: `-m`, `-c`, or nothing.
        arguments: What comes after the name.
        own_session: Whether it leads a session, to whose terminal its input is then connected.
        unbuffered: Whether it was started with `python -u`.
    """

    name: str
    option: str
    arguments: list[str]
    folder: str
    environment: dict[str, str]
    own_session: bool
    unbuffered: bool


def program_of(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], *, own_session: bool
) -> Program | None:
    """The program that a command line starts; None where it cannot begin as a fork."""
    words = list(command)
    if words.pop(0) != sys.executable or not sys.platform.startswith("linux"):
        return None
    unbuffered = words[:1] == ["-u"]
    del words[: int(unbuffered)]
    option = words.pop(0) if words[:1] in (["-m"], ["-c"]) else ""
    if not words or words[0].startswith("-") or _at_the_start(environment) != _at_the_start():
        return None
    return Program(
        name=words[0],
        option=option,
        arguments=words[1:],
        folder=str(folder),
        environment=dict(environment),
        own_session=own_session,
        unbuffered=unbuffered,
    )


def start_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    own_session: bool = False,
    forked: bool = True,
    **options: Any,
) -> subprocess.Popen[Any]:
    """Start a command, as a fork wherever it can begin as one.

    Args:
        own_session: Whether it leads a session, to whose terminal its input is then connected.
        forked: Whether it may begin as a fork.
        options: Further options for Popen.
    """
    program = program_of(command, folder, environment, own_session=own_session)
    if program is not None and forked:
        return ForkedProgram(program, _client(_has_dask(program)).address, **options)
    return subprocess.Popen(
        command,
        cwd=folder,
        env=dict(environment),
        start_new_session=own_session,
        preexec_fn=functools.partial(begin, own_session=own_session),  # noqa: PLW1509
        **options,
    )


def run_program(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    stderr: int,
    seconds: float,
    typed: str | None = None,
    forked: bool = True,
    errors: str = "strict",
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, as `subprocess.run` does.

    Args:
        stderr: Where its standard error goes: PIPE or STDOUT.
        seconds: How long it may take.
        typed: Its standard input; None for the input of the tests.
        forked: Whether it may begin as a fork of a process that has loaded what it imports.
        errors: What happens to output that cannot be decoded.
    """
    with start_program(
        command,
        folder,
        environment,
        forked=forked,
        stdin=None if typed is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
        errors=errors,
    ) as process:
        try:
            output, complaints = process.communicate(typed, timeout=seconds)
        finally:
            process.kill()
    return subprocess.CompletedProcess(command, process.returncode, output, complaints)


class ForkedProgram(subprocess.Popen[Any]):
    """A child process that begins as a fork of the fork server; it takes what Popen takes.

    It is the fork server's child, which tells how it ended.
    """

    _told: socket.socket

    def __init__(self, program: Program, address: str, **options: Any) -> None:
        self._program = program
        self._address = address
        super().__init__([program.name, *program.arguments], **options)

    def _execute_child(self, *arguments: Any) -> None:
        """Have the process started, in place of what Popen does with the same arguments."""
        pipes = arguments[10:16]
        standard = [
            own if asked == -1 else asked for own, asked in enumerate((pipes[0], *pipes[3::2]))
        ]
        self._told, telling = socket.socketpair()
        with telling:
            _ask(self._address, self._program, [*standard, telling.fileno()])
        self.pid = self._read_number()
        self._child_created = True
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            pid, status = self._try_wait(os.WNOHANG)
            if pid:
                self._handle_exitstatus(status)  # type: ignore[attr-defined]
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        """As `os.waitpid` for this process."""
        if wait_flags & os.WNOHANG and not select.select([self._told], [], [], 0)[0]:
            return 0, 0
        status = self._read_number()
        self._told.close()
        return self.pid, status

    def _read_number(self) -> int:
        data = self._told.recv(NUMBER.size)
        if len(data) != NUMBER.size:
            raise RuntimeError("The fork server has ended.")
        return int(NUMBER.unpack(data)[0])


def begin(*, own_session: bool) -> None:
    """What comes before a program in its new process."""
    # A shell without a terminal lets what it starts in the background ignore Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if own_session and os.isatty(0):
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _at_the_start(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """What an interpreter would read of an environment, and a fork cannot."""
    chosen = os.environ if environment is None else environment
    return {
        name: value
        for name, value in chosen.items()
        if name.startswith(READ_AT_THE_START) and name not in FOLLOWED
    }


class _Client:
    """A fork server of this process's own.

    Args:
        has_dask: Whether it loads Dask, which most programs do not need.

    Attributes:
        address: Where it takes requests, from its forks as well.
    """

    def __init__(self, *, has_dask: bool) -> None:
        # Nobody else may have programs started.
        self._folder = tempfile.TemporaryDirectory(prefix="f-", dir="/tmp")
        self.address = f"{self._folder.name}/socket"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, self.address, *(["dask"] if has_dask else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).parents[1]),
                # Before Python 3.11, pytest's exceptiongroup would change all tracebacks.
                "EXCEPTIONGROUP_NO_PATCH": "1",
            },
            # Ctrl-C at the terminal ends pytest, which ends this.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != b"ready\n":
            raise RuntimeError("The fork server has not come up.")

    def end(self) -> None:
        """End the server; what it has started goes on."""
        self._process.communicate()
        self._folder.cleanup()


_SERVE: Final = "import sys; from harness import fork_server; fork_server.main(*sys.argv[1:])"


def _has_dask(program: Program) -> bool:
    """Whether a program is a part of a cluster, or of a run on one."""
    return program.name == "dask" or "--cluster" in program.arguments


@functools.cache
def _client(has_dask: bool) -> _Client:  # noqa: FBT001  # Cached by its value.
    """This process's fork server.

    The cache keeps it: since Python 3.13, children of multiprocessing forget what `atexit` has, and
    would remove its folder with the last reference to it.
    """
    client = _Client(has_dask=has_dask)
    atexit.register(client.end)
    return client


def _ask(address: str, program: Program, files: Sequence[int]) -> None:
    """Have a program started with these files, the last of which hears how it goes."""
    data = json.dumps(asdict(program)).encode()
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [NUMBER.pack(len(data))], files)
        connection.sendall(data)
