"""Lets coverage.py measure workers where it measures this process, as in a serial run.

A fork copies coverage.py's state, but what it measures there is never saved. So each worker
measures into its own file in the run's folder, and the parent adds these files to its data.
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
"""Options of the section `run` that the command line may have set."""

MEASURES_CHILDREN: Final = {"concurrency": "multiprocessing", "patch": "fork"}
"""Options, with values, by which coverage.py measures child processes itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineCoverage:
    """How a worker measures, like its parent.

    Attributes:
        config_file: The configuration file of coverage.py; empty for none.
        options: The options of the section `run`, by name.
        folder: The folder of the workers' measurements.
    """

    config_file: str
    folder: Path
    options: Mapping[str, Any] = field(default_factory=dict)


def of_this_process(folder: Path) -> LineCoverage | None:
    """How workers have to measure; None if nothing is measured, or coverage.py does it itself.

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
    """Measure this worker's process from now on, apart from its parent.

    Args:
        name: The name of the worker's process; each has its own file.

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
    """Stop measuring in this process; earlier measurements are the parent's.

    In a worker of pytest-xdist, pytest-cov has started two measurements.
    """
    while (measuring := _current()) is not None:
        measuring.stop()


def add_workers(how: LineCoverage) -> None:
    """Add the workers' measurements to those of this process."""
    from coverage import CoverageData
    from coverage.exceptions import CoverageException

    measuring = _current()
    if measuring is None:
        return
    own = measuring.get_data()
    for file in sorted(how.folder.iterdir()):
        measured = CoverageData(basename=str(file))
        # A worker that was killed may have left an incomplete file.
        with suppress(CoverageException):
            measured.read()
            own.update(measured)


def _current() -> Any:
    """The active measurement of this process; None if there is none."""
    coverage = sys.modules.get("coverage")
    return coverage.Coverage.current() if coverage is not None else None


def _option(measuring: Any, name: str) -> Any:
    from coverage.exceptions import ConfigError

    try:
        return measuring.get_option(f"run:{name}")
    except ConfigError:
        # Other versions of coverage.py have other options.
        return None
