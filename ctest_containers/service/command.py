"""Runs a command as if the user had started it: with its terminal, signals and exit code."""

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
"""A shell's exit codes for such commands; see the exit status of commands in POSIX."""

PASSED_ON: Final = (signal.SIGINT, signal.SIGTERM)

LOOK_SECONDS: Final = 1.0
"""How often to check whether the command has ended, in case its signal was missed."""


def trouble_with(command: str, environment: Mapping[str, str]) -> tuple[int, str] | None:
    """Return the exit code and a message for a command that cannot be run; None if it can."""
    if shutil.which(command, path=environment.get("PATH", os.defpath)) is not None:
        return None
    if os.sep in command and Path(command).is_file():
        return NOT_EXECUTABLE, f"The file {command} is not executable."
    near = f"\nDid you mean ./{command}?" if Path(command).is_file() else ""
    return NOT_FOUND, f"The command {command!r} was not found.{near}"


def run_command(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a command, forward SIGINT and SIGTERM to it, and return its exit code as a shell does.

    Afterwards these signals stay blocked, so that they cannot interrupt the cleanup before this
    process ends.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {*PASSED_ON, signal.SIGCHLD})
    try:
        process = subprocess.Popen(
            list(command),
            env=dict(environment),
            preexec_fn=_in_child(before),  # noqa: PLW1509  # No other thread of ours is running.
        )
    except PermissionError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}.\n")
        return NOT_EXECUTABLE
    except OSError as error:
        # For example, a script whose interpreter is missing.
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}.\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
    while process.poll() is None:
        _wait(process)
    code = process.returncode
    return 128 - code if code < 0 else code


def _wait(process: subprocess.Popen[bytes]) -> None:
    """Wait for a signal, and forward it unless the terminal has also sent it to the command."""
    if sys.platform in {"darwin", "win32"}:
        # These do not report the sender of a signal.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
        process.wait()
        return
    info = signal.sigtimedwait({*PASSED_ON, signal.SIGCHLD}, LOOK_SECONDS)
    # Signals from the kernel have a positive code; see sigaction(2).
    if info is not None and info.si_signo in PASSED_ON and info.si_code <= 0:
        process.send_signal(info.si_signo)


def _in_child(mask: set[signal.Signals | int]) -> Callable[[], None]:
    """Return what the child process does before it executes the command."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None

    def prepare() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if library is not None:
            # The databases end with this process.
            library.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM))

    return prepare
