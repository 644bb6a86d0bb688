"""The log has a line for every event and worker, which people and programs can read."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.golden import LOG
from unit.report.making import STARTED, events_of_test

from ctest_containers.errors import ReportError
from ctest_containers.events import (
    BatchFinished,
    Event,
    RunFinished,
    ServerMeasured,
    TestPlace,
    TestsFound,
    WorkerLost,
)
from ctest_containers.history.store import read
from ctest_containers.report.log import LOGGER, Fields, LogReport, logger_for
from ctest_containers.report.recording import Recording


@pytest.fixture(autouse=True)
def logger() -> Iterator[logging.Logger]:
    """The toolkit's logger, left as it was."""
    found = logging.getLogger(LOGGER)
    before = (list(found.handlers), found.level, found.propagate)
    yield found
    for handler in found.handlers:
        if handler not in before[0]:
            handler.close()
    found.handlers, found.level, found.propagate = before[0], before[1], before[2]


EVENTS: list[Event] = [
    STARTED,
    TestsFound(tests=(TestPlace(test_id="a.B.c"),)),
    *events_of_test(0, "a.B.c"),
    BatchFinished(worker=1, batch=0, seconds=1.0, memory_bytes=50_000_000),
    ServerMeasured(worker=1, group="postgresql", memory_bytes=16_400_000),
    WorkerLost(worker=1, cause="signal 9 (SIGKILL)", test_id=""),
    RunFinished(not_run=0, failure=""),
]


def _written(form: str, level: str, file: Path) -> list[str]:
    recording = Recording()
    report = LogReport(recording.run, logger_for(form, level, str(file)))
    for at, event in enumerate(EVENTS):
        recording.handle(event, float(at))
        report.handle(event, float(at))
    return file.read_text().splitlines()


def test_every_worker_has_a_line_of_what_was_measured(tmp_path: Path) -> None:
    lines = _written("text", "info", tmp_path / "log")

    (worker,) = [line for line in lines if "event=worker" in line]
    assert worker.endswith(
        "INFO ctest_containers event=worker worker=1 database=sqlite tests=1 duration=0.5 "
        "queries=0 memory_peak=50.0MB database_memory_peak=16.4MB"
    )
    assert "event=run run=0123abcd passed=yes" in lines[-1]


def test_what_needs_attention_is_a_warning(tmp_path: Path) -> None:
    (line,) = _written("text", "warning", tmp_path / "log")

    assert 'WARNING ctest_containers event=WorkerLost at=7.0 worker=1 cause="signal 9' in line


def test_every_event_has_a_line_for_debugging(tmp_path: Path) -> None:
    lines = _written("text", "debug", tmp_path / "log")

    assert len(lines) == len(EVENTS) + 2


def test_json_keeps_the_fields_apart(tmp_path: Path) -> None:
    lines = [json.loads(line) for line in _written("json", "debug", tmp_path / "log")]

    lost = next(line for line in lines if line["event"] == "WorkerLost")
    assert lost["logger"] == "ctest_containers"
    assert (lost["level"], lost["worker"], lost["at"]) == ("WARNING", 1, 7.0)
    assert "time" in lost


def test_values_with_spaces_quotes_or_line_ends_stay_one_value() -> None:
    fields = Fields(plain="a", spaced="a b", quoted='say "a"', lines="a\nb", empty="", many=("a",))

    assert str(fields) == (
        r'plain=a spaced="a b" quoted="say \"a\"" lines="a\nb" empty="" many="[\"a\"]"'
    )


def test_without_a_format_lines_go_where_djangos_logging_sends_them(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.INFO, LOGGER)
    recording = Recording()
    report = LogReport(recording.run, logger_for("off", "info", ""))
    for at, event in enumerate(EVENTS):
        recording.handle(event, float(at))
        report.handle(event, float(at))

    assert [type(record.msg) for record in caplog.records] == [Fields] * 3
    assert capsys.readouterr() == ("", "")


def test_the_whole_recorded_run_can_be_logged_in_both_formats(tmp_path: Path) -> None:
    for form in ("text", "json"):
        recording = Recording()
        report = LogReport(recording.run, logger_for(form, "debug", str(tmp_path / form)))
        for at, event in read(LOG):
            recording.handle(event, at)
            report.handle(event, at)
        logging.getLogger(LOGGER).handlers.pop().close()

    assert all(map(json.loads, (tmp_path / "json").read_text().splitlines()))


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="cannot be written"):
        logger_for("text", "info", str(tmp_path))
