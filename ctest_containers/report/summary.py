"""A run in a few lines, for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from ctest_containers.report.messages import lines_of
from ctest_containers.report.record import UNEXPECTED, RunRecord, Status
from ctest_containers.text import duration, plural

SLOWEST = 5

WIDTH = 79
"""Columns that every terminal has."""

SLOW_SECONDS = 0.1
"""Quicker tests are not worth listing, even if they are among the slowest."""


def render(run: RunRecord) -> str:
    """Phases, workers and the slowest tests, one line each."""
    return "".join(f"{line}\n" for line in lines(run))


def lines(run: RunRecord) -> Iterator[str]:
    """The lines of the summary."""
    seconds = run.phase_seconds
    phases = [
        f"{phase.value} {duration(seconds[phase])}" for phase in seconds if seconds[phase] >= 0.005
    ]
    if phases:
        yield from textwrap.wrap(f"Phases: {', '.join(phases)}", WIDTH, subsequent_indent="  ")
    if run.planned is not None and run.planned.workers:
        workers = plural(run.planned.workers, "worker")
        yield f"Workers: {workers} ({run.planned.reason})"
    if run.not_affected:
        yield f"Not affected: {plural(run.not_affected, 'test')}, which did not run"
    for test in run.tests.values():
        for reason in test.retries:
            verdict = "failed again" if test.status.is_bad else "then passed"
            yield f"Retried: {test.place.test_id}, which {verdict}. {reason}"
    for test in run.flaky_tests:
        yield f"Flaky: {test.place.test_id}, which passed in attempt {1 + len(test.reruns)}."
    for _, outcome in run.flaky_fixtures:
        yield f"Flaky: {outcome.test_id}"
    for leak in run.leaks:
        # Those that fail the run are among its failures.
        if leak.consequence != "fail":
            yield from (f"Leak: {text}" for _, text in lines_of(leak))
    slowest = [test for test in run.slowest(SLOWEST) if test.seconds >= SLOW_SECONDS]
    if slowest:
        yield "Slowest tests:"
    for test in slowest:
        yield f"  {duration(test.seconds):>9}  {test.place.test_id}"


def verdict(run: RunRecord) -> str:
    """How a run ended, in one line."""
    counts = [f"{count} {status.value}" for status, count in run.counts.items() if count]
    fixtures = len(run.bad_fixtures) - sum(leak.consequence == "fail" for leak in run.leaks)
    more = [plural(fixtures, "failed fixture")] if fixtures else []
    more += [plural(len(run.flaky_fixtures), "flaky fixture")] if run.flaky_fixtures else []
    more += [plural(len(run.leaks), "leak")] if run.leaks else []
    more += [f"{run.not_affected} not affected"] if run.not_affected else []
    word = "FAILED" if run.has_failed else "PASSED"
    ended = "" if run.finished is None or not run.finished.failure else f" {run.finished.failure}"
    unfinished = " The event log ends before the run does." if run.finished is None else ""
    return f"{word}: {', '.join([*counts, *more])} in {duration(run.ended)}.{ended}{unfinished}"


def failures(run: RunRecord) -> Iterator[str]:
    """What went wrong, in unittest's words."""
    for test in run.tests.values():
        failure = test.failure
        if failure is None:
            continue
        place = f"{test.place.file}:{test.place.line}" if test.place.file else "no file"
        yield f"{test.status.value.upper()}: {test.place.test_id} ({place})"
        if failure.status is Status.UNEXPECTED_SUCCESS:
            yield f"{UNEXPECTED}\n"
        for outcome, problem in failure.problems:
            if outcome.subtest:
                yield outcome.subtest
            yield problem.text
    for word, fixtures in (("ERROR", run.bad_fixtures), ("FLAKY", run.flaky_fixtures)):
        for _, outcome in fixtures:
            yield f"{word}: {outcome.test_id}"
            yield outcome.problem.text if outcome.problem is not None else outcome.reason
