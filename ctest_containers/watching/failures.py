"""What failed in the rounds of watch mode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ctest_containers.failures.model import label_of
from ctest_containers.report.record import RunRecord, Status, TestRecord, status_of

UNLOADABLE: Final = "unittest.loader._FailedTest."
"""How the ids of tests begin that stand for a module which cannot be imported."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A test or fixture that failed in the last round in which it ran.

    Attributes:
        label: The label that runs it.
        name: Its name in reports.
        message: The exception as one line.
        text: The whole report: traceback and output.
        place: The file and line that caused it; empty if unknown.
    """

    label: str
    name: str
    message: str
    text: str
    place: str = ""


def failures_of(record: RunRecord) -> Iterator[Failure]:
    """Yield what has failed so far in a run."""
    for _, outcome in record.bad_fixtures:
        problem = outcome.problem
        if problem is not None:
            yield Failure(
                label=label_of(outcome.test_id),
                name=outcome.test_id,
                message=first_line(f"{problem.type_name}: {problem.message}"),
                text=problem.text,
                place=f"{problem.file}:{problem.line}" if problem.file else "",
            )
    for test in record.tests.values():
        if test.status.is_bad:
            yield failure_of(test)


def passed_in(record: RunRecord) -> Iterator[str]:
    """Yield the labels of tests that did not fail in a run."""
    for test in record.tests.values():
        if test.status is not Status.NOT_RUN and not test.status.is_bad:
            yield label_of_test(test.place.test_id)


def failure_of(test: TestRecord) -> Failure:
    """Return the failure of a test."""
    name = test.place.test_id
    for outcome in test.outcomes:
        problem = outcome.problem
        if problem is not None and status_of(outcome).is_bad:
            return Failure(
                label=label_of_test(name),
                name=label_of_test(name),
                # Of a module that cannot be imported, the last line says why.
                message=first_line(f"{problem.type_name}: {problem.message}")
                if label_of_test(name) == name
                else last_line(problem.message),
                text=problem.text,
                place=f"{problem.file}:{problem.line}" if problem.file else "",
            )
    return Failure(label_of_test(name), name, test.status.value, test.status.value)


def label_of_test(test_id: str) -> str:
    """Return the label that runs a test, or a module that cannot be imported."""
    return test_id.removeprefix(UNLOADABLE)


def first_line(text: str) -> str:
    """Return the first line of a text that is not blank."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def last_line(text: str) -> str:
    """Return the last line of a text that is not blank."""
    return first_line("\n".join(reversed(text.splitlines())))
