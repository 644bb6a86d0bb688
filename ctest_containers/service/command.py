"""Runs a command as if it had been started by itself: its terminal, its signals, its exit code."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from ctest_containers.project.process import PR_SET_PDEATHSIG

NOT_FOUND: Final = 127
NOT_EXECUTABLE: Final = 126
"""What a shell says of such commands; see the exit status of commands in POSIX."""

PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM)

LOOK_SECONDS: Final = 1.0
"""Between two looks at whether the command has ended, should its signal have been missed."""


def trouble_with(command: str, environment: Mapping[str, str]) -> tuple[int, str] | None:
    """The exit code for a command that cannot be run, and why; None if it can."""
    if shutil.which(command, path=environment.get("PATH", os.defpath)) is not None:
        return None
    if os.sep in command and Path(command).is_file():
        return NOT_EXECUTABLE, f"The file {command} is not executable."
    near = f"\nDid you mean ./{command}?" if Path(command).is_file() else ""
    return NOT_FOUND, f"The command {command!r} was not found.{near}"


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command, pass SIGINT and SIGTERM on to it, and give its exit code as a shell does.

    Afterwards these signals stay blocked, so that nothing comes between its end and the cleaning up
    after it; the process is about to end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED_ON, signal.SIGCHLD})
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            preexec_fn=_in_child(before),  # noqa: PLW1509  # No thread of ours runs meanwhile.
        )
    except PermissionError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}.\n")
        return NOT_EXECUTABLE
    except OSError as error:
        # Such as a script whose interpreter is not there.
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}.\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    while process.poll() is None:
        _wait(process)
    code = process.returncode
    return 128 - code if code < 0 else code


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for a signal, and pass it on unless the terminal has sent it to the command as well."""
    if sys.platform in {"darwin", "win32"}:
        # These do not report who has sent a signal.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
        process.wait()
        return
    info = signal.sigtimedwait({*PASSED_ON, signal.SIGCHLD}, LOOK_SECONDS)
    # The kernel's own have a positive code; see sigaction(2).
    if info is not None and info.si_signo in PASSED_ON and info.si_code <= 0:
        process.send_signal(info.si_signo)


def _in_child(mask: set[signal.Signals | int]) -> Callable[[], None]:
    """What the command's process does before it becomes the command."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if library is not None:
            # Without this process its databases are gone.
            library.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))

    return prepare
