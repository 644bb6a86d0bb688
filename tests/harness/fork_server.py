"""Starts Python programs as forks of a process that has loaded what all of them import.

Most of what a short run of the toolkit or of Django takes is the start of an interpreter, with the
same imports each time. `ForkedProgram` is a `subprocess.Popen` whose process begins as a fork of
one that has these behind it. The program has its own standard files, environment, folder,
arguments, import path, session and `__main__`, and ends as any interpreter does. The server host of
the toolkit and the workers of pytest-xdist begin in the same way when a forked program starts them.

Where the start itself is tested, use `subprocess` directly. The idea is that of multiprocessing's
fork server.
"""

from __future__ import annotations

import atexit
import builtins
import gc
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import types
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from execnet.gateway_base import ThreadExecModel

from ctest_containers.servers import standby
from harness.preloaded import DASK, LOADED
from harness.programs import NUMBER, ForkedProgram, Program, begin, program_of

NEW_OBJECTS: Final = 20_000
"""The threshold for a garbage collection; see `gc.set_threshold`."""

STDERR: Final = 2
STANDARD_FILES: Final = 3


def main(address: str, kind: str = "") -> None:
    """Serve until standard input ends; in each fork, run its program.

    Args:
        kind: `dask` where the programs are those of a cluster.
    """
    for module in (*LOADED, *(DASK if kind == "dask" else ())):
        import_module(module)
    search_path = sys.path[1:]
    with suppress(ValueError):
        search_path.remove(str(Path(__file__).parents[1]))
    # What is loaded stays; no collection of a fork has to look through it. With the default
    # threshold, garbage collection would take a tenth of a program's time.
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen(64)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        program = _serve(listener)
    if program is not None:
        _become(program, search_path)
        forks = _Forks(address)
        vars(standby)["subprocess"] = forks
        ThreadExecModel.subprocess = forks  # type: ignore[assignment, method-assign]
        _run_to_its_end(program)


class _Forks:
    """In place of `subprocess` where a program starts others that are to be forks, too."""

    PIPE = subprocess.PIPE
    TimeoutExpired = subprocess.TimeoutExpired

    def __init__(self, address: str) -> None:
        self._address = address

    def Popen(  # noqa: N802
        self,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        start_new_session: bool = False,
        **options: Any,
    ) -> subprocess.Popen[Any]:
        """Start a command, as a fork wherever it can begin as one."""
        program = program_of(
            command,
            Path.cwd(),
            os.environ if env is None else env,
            own_session=start_new_session,
        )
        if program is None:
            return subprocess.Popen(
                command, env=env, start_new_session=start_new_session, **options
            )
        return ForkedProgram(program, self._address, **options)


def _serve(listener: socket.socket) -> Program | None:
    """Fork for each request: give its program in the fork, and None at the end of the server."""
    ended, wakeup = socket.socketpair()
    for end in (ended, wakeup):
        end.setblocking(False)  # noqa: FBT003  # It has no name.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup.fileno())
    running: dict[int, socket.socket] = {}
    told: dict[socket.socket, int] = {}
    while True:
        ready, *_ = select.select([listener, ended, sys.stdin, *told], [], [])
        if sys.stdin in ready:
            return None
        for asker in told.keys() & set(ready):
            # The requester has read the status, so reap the child, as `wait` would.
            os.waitpid(told.pop(asker), 0)
            asker.close()
        if ended in ready:
            with suppress(BlockingIOError):
                ended.recv(4096)
            _tell_ends(running, told)
        if listener not in ready:
            continue
        with listener.accept()[0] as request:
            data, files = _receive(request)
        if data is None:
            # The requester was killed before it had sent everything.
            for file in files:
                os.close(file)
            continue
        program, asker = Program(**json.loads(data)), socket.socket(fileno=files.pop())
        pid = os.fork()
        if pid:
            running[pid] = asker
            for file in files:
                os.close(file)
            continue
        if program.own_session:
            os.setsid()
        # From now on, the requester may send signals to this process, or to its group.
        asker.send(NUMBER.pack(os.getpid()))
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for inherited in (ended, wakeup, asker, *running.values(), *told):
            inherited.close()
        for number, file in enumerate(files):
            os.dup2(file, number)
            os.close(file)
        return program


def _receive(request: socket.socket) -> tuple[bytes | None, list[int]]:
    """A request and its files; None for the request where it does not arrive whole."""
    data, files, *_ = socket.recv_fds(request, NUMBER.size, STANDARD_FILES + 1)
    if len(data) < NUMBER.size or len(files) <= STANDARD_FILES:
        return None, files
    missing, parts = int(NUMBER.unpack(data)[0]), []
    while missing:
        part = request.recv(missing)
        if not part:
            return None, files
        parts.append(part)
        missing -= len(part)
    return b"".join(parts), files


def _tell_ends(running: dict[int, socket.socket], told: dict[socket.socket, int]) -> None:
    """Tell how the children ended that have; they stay until that has been heard."""
    for pid, asker in list(running.items()):
        found = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        if found is None:
            continue
        exited = found.si_code == os.CLD_EXITED
        # The requester may have ended.
        with suppress(OSError):
            asker.send(NUMBER.pack(found.si_status << 8 if exited else found.si_status))
        told[running.pop(pid)] = pid


def _become(program: Program, search_path: Sequence[str]) -> None:
    """Make this process what an interpreter is that begins with this program."""
    begin(own_session=program.own_session)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(program.folder)
    os.environ.clear()
    os.environ.update(program.environment)
    time.tzset()
    tempfile.tempdir = None
    sys.dont_write_bytecode = bool(os.environ.get("PYTHONDONTWRITEBYTECODE"))
    named = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    sys.path[:] = [os.getcwd(), *(str(Path(entry).absolute()) for entry in named), *search_path]  # noqa: PTH109
    unbuffered = program.unbuffered or bool(os.environ.get("PYTHONUNBUFFERED"))
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        file = _standard_file(number, like=getattr(sys, name), unbuffered=unbuffered)
        setattr(sys, name, file)
        setattr(sys, f"__{name}__", file)
    sys.argv = [program.name, *program.arguments]
    sys.orig_argv = [
        sys.executable,
        *(["-u"] if program.unbuffered else []),
        *([program.option] if program.option else []),
        *sys.argv,
    ]


def _standard_file(number: int, *, like: io.TextIOWrapper, unbuffered: bool) -> io.TextIOWrapper:
    """A standard file as an interpreter makes it at its start, in the encoding of another one."""
    raw = io.FileIO(number, "wb" if number else "rb", closefd=False)
    now = unbuffered and number > 0
    stream: Any = raw
    if not now:
        stream = io.BufferedWriter(raw) if number else io.BufferedReader(raw)
    return io.TextIOWrapper(
        stream,
        encoding=like.encoding,
        errors=like.errors,
        newline="\n" if number else None,
        line_buffering=not now and (raw.isatty() or number == STDERR),
        write_through=now,
    )


def _run_to_its_end(program: Program) -> None:
    """Run it and end as it does, in the same way but for what no program sees.

    Tearing down an interpreter touches all that forks share, so that each has a copy of it in the
    end. This takes as long as the rest of a short run.
    """
    status = 0
    try:
        _run(program)
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            # The interpreter prints it.
            raise
        status = end.code or 0
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        for file in (sys.stdout, sys.stderr):
            if not file.closed:
                file.flush()
    except OSError:
        # The interpreter complains of it.
        sys.exit(status)
    os._exit(status & 0xFF)


def _run(program: Program) -> None:
    """Run it as `__main__`; ends as the program does."""
    module = sys.modules["__main__"] = types.ModuleType("__main__")
    module.__dict__["__builtins__"] = builtins
    if program.option == "-m":
        sys.argv[0] = "-m"
        runpy._run_module_as_main(program.name)  # type: ignore[attr-defined]
    elif program.option == "-c":
        sys.argv[0] = "-c"
        sys.path[0] = ""
        exec(compile(program.name, "<string>", "exec"), module.__dict__)  # noqa: S102
    else:
        file = Path(program.name).absolute()
        sys.path[0] = str(file.parent)
        module.__dict__["__file__"] = str(file)
        exec(compile(file.read_bytes(), file, "exec"), module.__dict__)  # noqa: S102
