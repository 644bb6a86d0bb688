"""Lets coverage.py measure workers where it measures this process, as in a serial run.

A fork copies what coverage.py has at work, but nobody writes down what it measures there. Each
worker measures for itself into a file of the run's folder, and the parent adds those to its own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

OPTIONS: Final = (
    *("branch", "source", "source_pkgs", "source_dirs", "include", "omit", "cover_pylib", "timid"),
    *("relative_files", "dynamic_context", "context", "core", "plugins", "concurrency"),
)
"""Names in the section `run` that the command line may have set."""

MEASURES_CHILDREN: Final = {"concurrency": "multiprocessing", "patch": "fork"}
"""Options with which coverage.py measures children itself, and the values that say so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCoverage:
    """How a worker measures what its parent does.

    Attributes:
        config_file: That of coverage.py; empty for none.
        options: What the section `run` says, by name.
        folder: Where the measurements of workers go.
    """

    config_file: str
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)


def of_this_process(folder: Path) -> LineCoverage | None:
    """What a worker needs to know; None where nobody measures, or coverage.py needs no help.

    Args:
        folder: The run's own folder.
    """
    measuring = _current()
    if measuring is None:
        return None
    options = {name: _option(measuring, name) for name in OPTIONS}
    if any(value in (_option(measuring, name) or ()) for name, value in MEASURES_CHILDREN.items()):
        return None
    mine = folder / "coverage"
    mine.mkdir(exist_ok=True)
    return LineCoverage(
        config_file=str(measuring.config.config_file or ""),
        options={name: value for name, value in options.items() if value is not None},
        folder=mine,
    )


def begin(how: LineCoverage, name: str) -> Any:
    """Measure this worker's process from now on, and no longer as its parent.

    Args:
        name: Of the worker's process; each has a file of its own.

    Returns:
        What measures; `save` keeps what it has measured so far.
    """
    import coverage

    stop()
    mine = coverage.Coverage(
        data_file=str(how.folder / name), config_file=how.config_file or False, messages=False
    )
    for option, value in how.options.items():
        with suppress(coverage.exceptions.ConfigError):
            mine.set_option(f"run:{option}", value)
    mine.start()
    return mine


def stop() -> None:
    """Measure nothing in this process from now on; what was measured is its parent's.

    In a process of pytest-xdist, pytest-cov has begun to measure twice.
    """
    while (measuring := _current()) is not None:
        measuring.stop()


def add_workers(how: LineCoverage) -> None:
    """Add what workers have measured to what this process measures."""
    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    measuring = _current()
    if measuring is None:
        return
    own = measuring.get_data()
    for file in sorted(how.folder.iterdir()):
        measured = CoverageData(basename=str(file))
        # A worker that was killed may have left half of it.
        with suppress(CoverageException):
            measured.read()
            own.update(measured)


def _current() -> Any:
    """What measures this process; None where nothing does, or it was never loaded."""
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage is not None else None


def _option(measuring: Any, name: str) -> Any:
    from coverage.exceptions import ConfigError

    try:
        return measuring.get_option(f"run:{name}")
    except ConfigError:
        # Another version of coverage.py has other options.
        return None
