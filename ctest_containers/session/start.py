"""What is said of a run when it begins."""

from __future__ import annotations

import datetime as dt
import platform
import re
import sys
import time
from pathlib import Path
from typing import Final

import django
import psutil

from ctest_containers.events import RunStarted
from ctest_containers.project.branch import current_branch
from ctest_containers.version import __version__

CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]+@")
"""Of a URL."""


def run_started(run: str, project: str, folder: Path) -> RunStarted:
    """What is known of a run before it has done anything."""
    return RunStarted(
        run=run,
        project=project,
        started_at=dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds"),
        startup_seconds=round(max(0.0, time.time() - psutil.Process().create_time()), 3),
        folder=str(folder),
        arguments=tuple(CREDENTIALS.sub("***@", one) for one in sys.argv),
        branch=current_branch(folder),
        toolkit=__version__,
        python=platform.python_version(),
        django=django.get_version(),
        platform=platform.platform(terse=True),
    )
