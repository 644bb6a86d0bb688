"""Runs tests as a serial run does, and as a worker and the parent's replay do together."""

from __future__ import annotations

import sys
import unittest
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from unit import sample_cases

from ctest_containers.events import WorkerEvent
from ctest_containers.report.replay import ReplayReport
from ctest_containers.wire import decode, encode
from ctest_containers.workers.recorder import RecordingResult

Reports = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that a result says in the end, and what it has printed."""

    run: int
    failures: Reports
    errors: Reports
    skipped: Reports
    expected_failures: Reports
    unexpected_successes: list[str]
    stopped: bool
    successful: bool
    printed: str


class PrintedResult(unittest.TextTestResult):
    """A result that prints into a text."""

    def __init__(self, *, failfast: bool, buffer: bool, verbosity: int = 2) -> None:
        self.printed = StringIO()
        stream: Any = unittest.runner._WritelnDecorator(self.printed)
        super().__init__(stream, descriptions=True, verbosity=verbosity)
        self.failfast = failfast
        self.buffer = buffer

    def outcome(self) -> Outcome:
        """What it says in the end."""
        self.printErrors()
        return Outcome(
            run=self.testsRun,
            failures=[(str(test), text) for test, text in self.failures],
            errors=[(str(test), text) for test, text in self.errors],
            skipped=[(str(test), reason) for test, reason in self.skipped],
            expected_failures=[(str(test), text) for test, text in self.expectedFailures],
            unexpected_successes=[str(test) for test in self.unexpectedSuccesses],
            stopped=self.shouldStop,
            successful=self.wasSuccessful(),
            printed=self.printed.getvalue(),
        )


def serial(
    cases: Sequence[type[unittest.TestCase]],
    *,
    failfast: bool = False,
    buffer: bool = False,
    verbosity: int = 2,
) -> Outcome:
    """What a serial run of these classes leaves."""
    result = PrintedResult(failfast=failfast, buffer=buffer, verbosity=verbosity)
    with sample_cases.modules(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        unittest.TestSuite(sample_cases.make(cases)).run(result)
    return result.outcome()


def record(
    tests: Sequence[unittest.TestCase],
    *,
    worker: int = 1,
    first: int = 0,
    failfast: bool = False,
    buffer: bool = False,
) -> list[WorkerEvent]:
    """What a worker that runs these tests sends, as it arrives at its parent."""
    events: list[WorkerEvent] = []

    def send(event: WorkerEvent) -> None:
        arrived = decode(encode(event).rstrip(b"\n"))
        assert isinstance(arrived, WorkerEvent)
        events.append(arrived)

    result = RecordingResult(
        send=send,
        worker=worker,
        indices={id(test): index for index, test in enumerate(tests, start=first)},
        folder=Path.cwd(),
    )
    result.failfast = failfast
    result.buffer = buffer
    with sample_cases.modules(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        unittest.TestSuite(tests).run(result)
    result.close()
    return events


def recorded(
    cases: Sequence[type[unittest.TestCase]],
    *,
    failfast: bool = False,
    buffer: bool = False,
    verbosity: int = 2,
) -> Outcome:
    """What the replay of a worker's run of these classes leaves."""
    tests = sample_cases.make(cases)
    result = PrintedResult(failfast=failfast, buffer=buffer, verbosity=verbosity)
    stdout = sys.stdout

    replay = ReplayReport(result, tests)
    for event in record(tests, failfast=failfast, buffer=buffer):
        replay.handle(event, 0.0)

    assert sys.stdout is stdout
    return result.outcome()
