"""The data of a page: what its script shows, as plain lists, texts and numbers.

There may be tens of thousands of tests, so each is a short list, and the names that many of them
share stand in one table. What few tests have, such as tracebacks, stands apart under their places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import isfinite
from typing import Any, Final

from ctest_containers.events import (
    Problem,
    StressFinished,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
    TestOutcome,
)
from ctest_containers.report.page.texts import Allowance, captured_in, cut, cut_middle
from ctest_containers.report.record import RunRecord, Status, TestRecord, WorkerRecord, status_of
from ctest_containers.report.stress import headline, rate

_STATUS_PLACES: Final = {status: place for place, status in enumerate(Status)}

_HEADLINE: Final = 4_000
"""What a line of a page has room for, in characters."""


class _Names:
    """A table of texts; each is in it once."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}

    def place(self, name: str) -> int:
        return self.places.setdefault(name, len(self.places))


def data_of(run: RunRecord) -> dict[str, Any]:
    """Everything that the page shows of a run."""
    names = _Names()
    allowance = Allowance()
    tests = [_test(test, names) for test in run.tests.values()]
    details = {
        str(place): detail
        for place, test in enumerate(run.tests.values())
        if (detail := _details(test, allowance))
    }
    workers = [_worker(run.workers[number], names) for number in sorted(run.workers)]
    return {
        "run": _started(run),
        "finished": _finished(run),
        "failed": run.has_failed,
        "ended": _seconds(run.ended),
        "statuses": [status.value for status in Status],
        "counts": list(run.counts.values()),
        "planned": _planned(run),
        "phases": [
            [phase.value, _seconds(seconds)] for phase, seconds in run.phase_seconds.items()
        ],
        "tests": tests,
        "details": details,
        "fixtures": [
            *(_fixture(run, at, outcome, status_of(outcome)) for at, outcome in run.bad_fixtures),
            *(_fixture(run, at, outcome, Status.FLAKY) for at, outcome in run.flaky_fixtures),
        ],
        "workers": workers,
        "templates": list(_templates(run)),
        "notes": [[_seconds(at), level, text] for at, level, text in run.notes],
        "available": _points(run.available),
        **({} if run.stress is None else {"stress": _stress(run.stress)}),
        # Last, for everything above puts names into it.
        "names": list(names.places),
    }


def _seconds(value: float) -> float:
    # A log can hold what no clock has measured, and JSON has no word for it.
    return round(value, 4) if isfinite(value) else 0.0


def _points(points: Iterable[tuple[float, int]]) -> list[list[float]]:
    return [[_seconds(at), value] for at, value in points]


def _test(test: TestRecord, names: _Names) -> list[float]:
    place = test.place
    class_name, _, name = place.test_id.rpartition(".")
    return [
        names.place(class_name),
        names.place(name),
        _STATUS_PLACES[test.status],
        test.worker,
        _seconds(test.started),
        _seconds(test.seconds),
        test.query_count,
        names.place(place.file),
        place.line,
    ]


def _fixture(run: RunRecord, at: float, outcome: TestOutcome, status: Status) -> dict[str, Any]:
    """A fixture that failed."""
    fields = {
        "at": _seconds(at),
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
        "at": _seconds(test.started),
        "seconds": _seconds(test.seconds),
        **_outcomes_and_output(test.outcomes, test.stdout, test.stderr, None),
    }


def _details(test: TestRecord, allowance: Allowance) -> dict[str, Any]:
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
        "type": problem.type_name[:_HEADLINE],
        "message": problem.message[:_HEADLINE],
        "text": cut_middle(traceback),
        "file": problem.file[:_HEADLINE],
        "line": problem.line,
    }


def _stress(stress: StressFinished) -> dict[str, Any]:
    return {
        "sentence": headline(stress),
        "seed": stress.seed,
        "tests": [
            {
                "id": test.test_id,
                "rate": rate(test),
                "failed": test.failed,
                "passed": test.passed,
                "further": test.further,
                "failures": [
                    {
                        "type": failure.type_name[:_HEADLINE],
                        "message": failure.message[:_HEADLINE],
                        "file": failure.file[:_HEADLINE],
                        "line": failure.line,
                        "count": failure.count,
                        "rounds": list(failure.rounds),
                        "text": cut_middle(failure.text),
                    }
                    for failure in test.failures
                ],
            }
            for test in stress.tests
        ],
        "durations": [
            [row.test_id, row.min_seconds, row.median_seconds, row.max_seconds]
            for row in stress.durations
        ],
    }


def _started(run: RunRecord) -> dict[str, Any] | None:
    started = run.started
    if started is None:
        return None
    return {
        "id": started.run,
        "project": started.project,
        "branch": started.branch,
        "date": started.started_at,
        "folder": started.folder,
        "arguments": list(started.arguments),
        "startup": _seconds(started.startup_seconds),
        "versions": [
            ["ctest_containers", started.toolkit],
            ["Python", started.python],
            ["Django", started.django],
            ["", started.platform],
        ],
    }


def _finished(run: RunRecord) -> dict[str, Any] | None:
    if run.finished is None:
        return None
    return {"failure": run.finished.failure, "notRun": run.finished.not_run}


def _planned(run: RunRecord) -> dict[str, Any] | None:
    if run.planned is None:
        return None
    return {
        "workers": run.planned.workers,
        "reason": run.planned.reason,
        "limits": [list(limit) for limit in run.planned.limits],
    }


def _worker(worker: WorkerRecord, names: _Names) -> dict[str, Any]:
    return {
        "number": worker.number,
        "started": [_seconds(at) for at in worker.started],
        "servers": [
            [_seconds(at), server.group, server.container, server.version, _seconds(server.seconds)]
            for at, server in worker.servers
        ],
        "fixtures": [
            [
                names.place(fixture.name),
                _seconds(fixture.started),
                _seconds(fixture.seconds),
                fixture.query_count,
            ]
            for fixture in worker.fixtures
        ],
        "notes": [[_seconds(at), text] for at, text in worker.notes],
        "process": _points(worker.process_bytes),
        "memory": [[group, _points(points)] for group, points in worker.server_bytes.items()],
    }


def _templates(run: RunRecord) -> Iterator[dict[str, Any]]:
    """What was decided for each group of databases, and how long it took."""
    builds = {
        (event.group, event.fingerprint): event
        for event in run.templates
        if isinstance(event, TemplateBuildStarted)
    }
    for event in run.templates:
        fields = {"group": event.group, "fingerprint": event.fingerprint[:12]}
        match event:
            case TemplateFound(aliases=aliases):
                yield {**fields, "decision": "found", "aliases": list(aliases)}
            case TemplatePulled():
                layers = f"{event.layers} layers transferred, {event.present} already here"
                reason = f"from {event.registry}: {layers}"
                yield {
                    **fields,
                    "decision": "pulled",
                    "reason": reason,
                    "seconds": _seconds(event.seconds),
                }
            case TemplateBuilt():
                begun = builds.pop((event.group, event.fingerprint), None)
                yield {
                    **fields,
                    "decision": "built incrementally"
                    if event.incremental
                    else "built from scratch",
                    "reason": "" if begun is None else begun.reason,
                    "aliases": [] if begun is None else list(begun.aliases),
                    "seconds": _seconds(event.seconds),
                }
            case TemplateBuildStarted():
                pass
    for begun in builds.values():
        yield {
            "group": begun.group,
            "fingerprint": begun.fingerprint[:12],
            "decision": "build not finished",
            "reason": begun.reason,
            "aliases": list(begun.aliases),
        }
