"""The facts to report when a run begins."""

from __future__ import annotations

import datetime as dt
import os
import platform
import sys
import time
from pathlib import Path

import django
import psutil

from ctest_containers.clock import start_ticks
from ctest_containers.events import RunStarted
from ctest_containers.project.branch import current_branch
from ctest_containers.text import without_credentials
from ctest_containers.version import __version__


def run_started(run: str, project: str, folder: Path) -> RunStarted:
    """Return the event of a run that begins now."""
    return RunStarted(
        run=run,
        project=project,
        started_at=dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds"),
        startup_seconds=round(_age_seconds(), 3),
        folder=str(folder),
        arguments=tuple(map(without_credentials, _typed())),
        branch=current_branch(folder),
        toolkit=__version__,
        python=platform.python_version(),
        django=django.get_version(),
        platform=platform.platform(terse=True),
    )


def _typed() -> list[str]:
    """Return the command as it was typed; `sys.argv` may be changed for what settings expect."""
    if not sys.orig_argv:
        return sys.argv
    interpreter, *words = sys.orig_argv
    script = Path(words[0] if words else "")
    if script.is_absolute() and script.parent == Path(sys.executable).parent:
        # A command that is installed next to the interpreter is typed by its name.
        return [script.name, *words[1:]]
    return [Path(interpreter).name, *words]


def _age_seconds() -> float:
    """Return how long this process has existed."""
    try:
        # Exact to a tick; psutil only knows the second in which the machine was started.
        started = start_ticks(os.getpid()) / os.sysconf("SC_CLK_TCK")
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    except (OSError, ValueError, AttributeError):
        age = time.time() - psutil.Process().create_time()
    return max(0.0, age)
