"""Child processes that are timed, and ended with all that they have started."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from ctest_containers.text import last_lines
from harness.bench.trouble import BenchError

LADDER: Final = ((signal.SIGINT, 30.0), (signal.SIGTERM, 10.0), (signal.SIGKILL, 10.0))
"""How a process that has to end is told so, and what it then gets, in seconds."""

LEFT_OUT: Final = (
    *("CI", "GITHUB_ACTIONS", "DJANGO_SETTINGS_MODULE", "PYTHONDEVMODE", "PYTHONWARNINGS"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPATH"),
)
"""What would change how tests are run."""

PREFIXES: Final = (
    "CTEST_CONTAINERS_",
    "DJANGO_TEST_",
    "PYTEST_",
    "TESTCONTAINERS_",
    "TEST_TIMINGS",
)


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that has ended.

    Attributes:
        wall_seconds: From its start to its end.
        cpu_seconds: What it and the children that it waited for took of the cores; servers in
            containers are no part of that.
    """

    code: int
    output: str
    wall_seconds: float
    cpu_seconds: float


def environment(extra: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without what would change how tests are run, and more."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in LEFT_OUT and not name.startswith(PREFIXES)
    }
    return {**kept, **extra}


def run(
    command: Sequence[str], *, folder: Path, env: Mapping[str, str], timeout_seconds: float
) -> Ended:
    """Run a command to its end.

    Raises:
        BenchError: It took longer than it may.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Into a file: whoever else still has a pipe open would prolong the run.
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        with subprocess.Popen(
            command,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(timeout_seconds)
                wall = time.perf_counter() - began
            except BaseException as error:
                _stop(process)
                if not isinstance(error, subprocess.TimeoutExpired):
                    raise
                text = last_lines(_text(output))
                raise BenchError(
                    f"{' '.join(command[1:])} took longer than {timeout_seconds:g} s:\n{text}"
                ) from error
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Ended(code, _text(output), wall, cpu)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group, which is its own."""
    for number, seconds in LADDER:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            break
    # Workers may outlive the first process of their group.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _text(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode(errors="replace")
