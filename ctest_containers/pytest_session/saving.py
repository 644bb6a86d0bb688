"""Saves what all processes of a session have recorded."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from django.db import connections

from ctest_containers.config import Config
from ctest_containers.events import RunStarted, UsageRecorded
from ctest_containers.history import History
from ctest_containers.history.store import sql_beside
from ctest_containers.impact.job_recordings import add_parts
from ctest_containers.project.branch import current_revision
from ctest_containers.pytest_session.outcomes import UNRECORDED
from ctest_containers.report.sql.collector import SqlCollector
from ctest_containers.report.sql.file import write
from ctest_containers.usage.model import TEST
from ctest_containers.usage.recording import Recording
from ctest_containers.usage.store import RecordingFile


def save(
    folder: Path,
    file: RecordingFile,
    marks: Mapping[str, str],
    *,
    is_whole: bool,
    sql_of: RunStarted,
    config: Config,
) -> str:
    """Add what was recorded to the recording, write its SQL, and return a warning or "".

    Args:
        folder: The folder in which each process has written what it has recorded.
        marks: Why each test that has begun is to run again; empty if it need not.
        is_whole: Whether all tests of the project have ended.
    """
    files = sorted(folder.glob("*.usage"))
    parts = [part for part, _ in (RecordingFile(each).read() for each in files) if part.run.id]
    if not parts:
        return ""
    problem = add_parts(file, [*_marked(parts, marks)], is_whole=is_whole)
    return problem or _write_sql(folder, sql_of, config)


def _marked(parts: Sequence[Recording], marks: Mapping[str, str]) -> Iterator[Recording]:
    """Yield what the processes have recorded, with the marks of the tests that have begun."""
    recorded = {unit for part in parts for unit in part.units}
    alone = {
        test: mark or UNRECORDED for test, mark in marks.items() if TEST + test not in recorded
    }
    for part in parts:
        own = {test: mark for test, mark in marks.items() if mark and TEST + test in part.units}
        yield replace(part, marks={**part.marks, **alone, **own})


def _write_sql(folder: Path, started: RunStarted, config: Config) -> str:
    if not config.event_logs:
        return ""
    collector = SqlCollector()
    for file in sorted(folder.glob("*.events")):
        for event in _events(file):
            collector.add(event)
    record = collector.record(
        run=started.run,
        started_at=started.started_at,
        branch=started.branch,
        revision=current_revision(Path(started.folder)),
        vendors={alias: connections[alias].vendor for alias in connections},
    )
    history = History.of(started.project)
    try:
        write(record, sql_beside(history.new(started)))
        history.keep(config.event_logs)
    except OSError as error:
        return f"The SQL of tests cannot be written: {error}."
    return ""


def _events(file: Path) -> Iterator[UsageRecorded]:
    # A process that has crashed may have written a part of its last event.
    with file.open("rb") as events, suppress(EOFError, pickle.UnpicklingError):
        while True:
            yield pickle.load(events)  # noqa: S301  # Our own processes made it.
