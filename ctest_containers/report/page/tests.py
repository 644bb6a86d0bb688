"""The data of tests and fixtures."""

from __future__ import annotations

from typing import Any, Final

from ctest_containers.events import Problem, TestOutcome
from ctest_containers.report.page.texts import Allowance, captured_in, cut, cut_line, cut_middle
from ctest_containers.report.page.values import Names, seconds_of
from ctest_containers.report.record import RunRecord, Status, TestRecord, status_of

_STATUS_PLACES: Final = {status: place for place, status in enumerate(Status)}


def row_of(test: TestRecord, names: Names) -> list[float]:
    """Return what every test has."""
    place = test.place
    class_name, _, name = place.test_id.rpartition(".")
    return [
        names.place(class_name),
        names.place(name),
        _STATUS_PLACES[test.status],
        test.worker,
        seconds_of(test.started),
        seconds_of(test.seconds),
        test.query_count,
        names.place(place.file),
        place.line,
    ]


def fixture_of(run: RunRecord, at: float, outcome: TestOutcome, status: Status) -> dict[str, Any]:
    """A fixture that failed."""
    fields = {
        "at": seconds_of(at),
        "id": outcome.test_id,
        "worker": outcome.worker,
        "status": _STATUS_PLACES[status],
        **_outcomes_and_output([outcome], "", "", None),
    }
    reruns = run.fixture_reruns.get(outcome.test_id)
    if reruns:
        fields["reruns"] = [
            {"worker": again.worker, **_outcomes_and_output([again], "", "", None)}
            for again in reruns
        ]
    return fields


def _attempt(test: TestRecord) -> dict[str, Any]:
    """An attempt at a test that failed, but is not the one that counts."""
    return {
        "status": _STATUS_PLACES[test.status],
        "worker": test.worker,
        "at": seconds_of(test.started),
        "seconds": seconds_of(test.seconds),
        **_outcomes_and_output(test.outcomes, test.stdout, test.stderr, None),
    }


def details_of(test: TestRecord, allowance: Allowance) -> dict[str, Any]:
    """What only some tests have; empty for one that passed in silence."""
    if not (test.stdout or test.stderr or test.retries or test.reruns):
        if not test.outcomes:
            return {}
        if len(test.outcomes) == 1 and test.status is Status.PASSED:
            only = test.outcomes[0]
            if only.problem is None and not only.queries:
                return {}
    details = _outcomes_and_output(
        test.outcomes,
        test.stdout,
        test.stderr,
        None if test.status.is_bad else allowance,
    )
    if test.retries:
        details["retries"] = test.retries
    if test.reruns:
        details["reruns"] = [_attempt(attempt) for attempt in test.reruns]
    return details


def _outcomes_and_output(
    outcomes: list[TestOutcome], stdout: str, stderr: str, allowance: Allowance | None
) -> dict[str, Any]:
    fields: dict[str, Any] = {"outcomes": [_outcome(outcome) for outcome in outcomes]}
    for outcome in outcomes:
        if outcome.problem is not None:
            # unittest writes what was printed below the traceback as well, once for each problem.
            _, printed, complained = captured_in(outcome.problem.text)
            stdout, stderr = stdout or printed, stderr or complained
    for name, text in (("stdout", stdout), ("stderr", stderr)):
        if text:
            fields[name] = cut(text, allowance)
    return fields


def _outcome(outcome: TestOutcome) -> dict[str, Any]:
    fields: dict[str, Any] = {"status": _STATUS_PLACES[status_of(outcome)]}
    if outcome.subtest is not None:
        fields["subtest"] = cut_middle(outcome.subtest)
    if outcome.reason:
        fields["reason"] = cut_middle(outcome.reason)
    if outcome.queries:
        fields["queries"] = cut(outcome.queries)
    if outcome.problem is not None:
        fields["problem"] = _problem(outcome.problem)
    return fields


def _problem(problem: Problem) -> dict[str, Any]:
    traceback, _, _ = captured_in(problem.text)
    return {
        "type": cut_line(problem.type_name),
        "message": cut_line(problem.message),
        "text": cut_middle(traceback),
        "file": cut_line(problem.file),
        "line": problem.line,
    }
