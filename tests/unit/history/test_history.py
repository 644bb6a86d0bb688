"""The event log of a run says all that happened, and can be read by whoever comes later."""

from __future__ import annotations

import dataclasses
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from harness.golden import LOG
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from unit.report.making import STARTED, events_of_test

from ctest_containers.errors import ReportError, UsageError
from ctest_containers.events import Event, RunFinished, TimePassed
from ctest_containers.history import History
from ctest_containers.history.lines import EVENTS, HEADER, entries, line
from ctest_containers.history.schema import schema
from ctest_containers.history.store import read
from ctest_containers.report.event_log import EventLogReport

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=()), max_size=40)
FINISHED = RunFinished(not_run=0, failure="")


def _log(history: History, run: str, *, kept: int = 20, day: int = 1) -> None:
    report = EventLogReport(history.new, partial(history.keep, kept))
    started = dataclasses.replace(STARTED, run=run, started_at=f"2026-11-{day:02}T08:00:00+00:00")
    events: list[Event] = [started, *events_of_test(0, "a.B.c"), TimePassed(), FINISHED]
    for at, event in enumerate(events):
        report.handle(event, float(at))


def _ids(history: History) -> list[str]:
    return [log.stem.rpartition("-")[2] for log in history.logs()]


def test_every_line_of_the_recorded_log_is_valid_against_the_schema() -> None:
    validator = Draft202012Validator(schema())
    lines = LOG.read_text().splitlines()

    found = [str(error) for text in lines for error in validator.iter_errors(json.loads(text))]

    assert found == []
    assert len(lines) > 200


def test_the_schema_is_one_itself_and_knows_every_event() -> None:
    found = schema()

    Draft202012Validator.check_schema(found)
    assert set(found["$defs"]) == {"Header", *EVENTS.kinds}
    assert all(
        one.get("description") for name, one in found["$defs"].items() if name in EVENTS.kinds
    )


@given(text=ANY_TEXT)
def test_a_line_is_ascii_and_gives_its_event_back(text: str) -> None:
    for event in events_of_test(3, text, text=text):
        found = line(event, 1.5)

        assert found.isascii()
        assert found.count("\n") == 1
        (entry,) = entries([HEADER, found], "log")
        assert entry.at == 1.5
        # Two halves of a character that stand together are one in JSON.
        if text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") == text:
            assert entry.event == event


def test_what_a_later_version_adds_is_left_out() -> None:
    known = json.loads(line(FINISHED, 2.0))
    lines = [HEADER, json.dumps({**known, "mood": 3}), '{"at": 1, "type": "MoonRisen"}']

    assert [entry.event for entry in entries(lines, "log")] == [FINISHED]


def test_a_log_that_ends_in_the_middle_of_a_line_is_read_up_to_there() -> None:
    lines = [HEADER, line(STARTED, 0.0), line(FINISHED, 1.0)[:20]]

    assert [entry.event for entry in entries(lines, "log")] == [STARTED]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not an event log"),
        ("# notes\n", "is not an event log"),
        ('{"format": "other", "version": 1}\n', "is not an event log"),
        ('{"format": "ctest-containers-events", "version": 9}\n', "has version 9"),
        (f"{HEADER}nonsense\n{line(FINISHED, 1.0)}", "Line 2"),
        (f'{HEADER}{{"at": 1, "type": "RunFinished"}}\n{line(FINISHED, 1.0)}', "Line 2"),
    ],
)
def test_what_is_no_log_is_refused_by_name(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text(text)

    with pytest.raises(UsageError, match=words) as caught:
        read(file)

    assert "other.jsonl" in caught.value.message


def test_the_logs_of_the_last_runs_are_kept(tmp_path: Path) -> None:
    history = History(tmp_path)

    for day in range(1, 6):
        _log(history, f"run{day}", kept=3, day=day)

    assert _ids(history) == ["run3", "run4", "run5"]
    assert [type(event).__name__ for _, event in read(history.logs()[0])] == [
        "RunStarted",
        "TestStarted",
        "TestOutcome",
        "TestFinished",
        "RunFinished",
    ]
    assert {oct(log.stat().st_mode & 0o777) for log in history.logs()} == {"0o600"}


def test_a_run_is_found_by_the_beginning_of_its_id_by_its_file_or_as_the_last(
    tmp_path: Path,
) -> None:
    history = History(tmp_path / "logs")
    _log(history, "aa01", day=1)
    _log(history, "ab02", day=2)
    first, last = history.logs()

    assert history.find("aa") == first
    assert history.find("") == last
    assert history.find(str(first)) == first
    with pytest.raises(UsageError, match="2 runs"):
        history.find("a")
    with pytest.raises(UsageError, match="No run"):
        history.find("zz")


def test_a_project_without_runs_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No run has left an event log"):
        History(tmp_path / "none").find()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    report = EventLogReport(History(tmp_path / "taken").new)

    with pytest.raises(ReportError, match="taken"):
        report.handle(STARTED, 0.0)


def test_a_run_that_is_killed_leaves_what_had_happened_until_then(tmp_path: Path) -> None:
    history = History(tmp_path)
    report = EventLogReport(history.new)
    events: list[Any] = [STARTED, *events_of_test(0, "a.B.c")]

    for at, event in enumerate(events):
        report.handle(event, float(at))

    (log,) = history.logs()
    assert [entry.event for entry in read(log)] == events
    report.handle(FINISHED, 9.0)
