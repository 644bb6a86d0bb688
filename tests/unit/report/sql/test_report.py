"""The SQL of a run is recorded while its tests run."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.report.making import STARTED
from unit.report.sql.made_sql import COUNT, sent, usage

from ctest_containers.errors import ReportError
from ctest_containers.events import Event, RunFinished, UsageRecorded
from ctest_containers.report.sql.file import read
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.report.sql.report import SqlReport

FINISHED = RunFinished(not_run=0, failure="")


def counted(count: int) -> UsageRecorded:
    return usage("test a.B.c", [sent(COUNT, {"a.py:1": count})])


def handled(events: list[Event], file: Path | None) -> list[SqlRecord]:
    records: list[SqlRecord] = []
    report = SqlReport(
        places=lambda _: [] if file is None else [file],
        revision=lambda _: "8d1c288",
        vendors=lambda: {"default": "sqlite"},
        show=records.append,
    )
    for event in events:
        report.handle(event, 0.0)
    return records


def test_statements_are_written_when_the_run_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.sql.gz"
    events: list[Event] = [STARTED, counted(3), FINISHED]

    (record,) = handled(events, file)

    assert read(file) == record
    assert list(record.statements("test a.B.c")) == [sent(COUNT, {"a.py:1": 3})]
    assert (record.run, record.revision) == (STARTED.run, "8d1c288")


def test_a_test_that_runs_again_in_another_process_counts_once(tmp_path: Path) -> None:
    twice = [counted(count) for count in (3, 2)]

    (record,) = handled([STARTED, *twice, FINISHED], tmp_path / "a.sql.gz")

    assert record.totals["test a.B.c"][0] == 3


def test_a_run_that_records_nothing_has_no_file(tmp_path: Path) -> None:
    assert handled([STARTED, FINISHED], tmp_path / "a.sql.gz") == []
    assert list(tmp_path.iterdir()) == []


def test_a_page_has_the_sql_of_a_run_without_event_logs() -> None:
    assert handled([STARTED, counted(3), FINISHED], None)


def test_a_file_that_cannot_be_written_is_an_error_of_the_report(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    events: list[Event] = [STARTED, counted(3), FINISHED]

    with pytest.raises(ReportError, match="cannot be written"):
        handled(events, tmp_path / "folder" / "a.sql.gz")
