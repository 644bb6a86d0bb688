"""The data of a page: what its script shows, as plain lists, texts and numbers.

There may be tens of thousands of tests, so each is a short list, and the names that many of them
share stand in one table. What few tests have, such as tracebacks, stands apart under their places.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ctest_containers.events import (
    StressFinished,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateFound,
    TemplatePulled,
)
from ctest_containers.report.page.sql import sql_data
from ctest_containers.report.page.tests import details_of, fixture_of, row_of
from ctest_containers.report.page.texts import Allowance, cut_line, cut_middle
from ctest_containers.report.page.values import Names, points_of, seconds_of
from ctest_containers.report.record import RunRecord, Status, WorkerRecord, status_of
from ctest_containers.report.stress import headline, rate


def data_of(run: RunRecord) -> dict[str, Any]:
    """Everything that the page shows of a run."""
    names = Names()
    allowance = Allowance()
    tests = [row_of(test, names) for test in run.tests.values()]
    details = {
        str(place): detail
        for place, test in enumerate(run.tests.values())
        if (detail := details_of(test, allowance))
    }
    workers = [_worker(run.workers[number], names) for number in sorted(run.workers)]
    return {
        "run": _started(run),
        "finished": _finished(run),
        "failed": run.has_failed,
        "ended": seconds_of(run.ended),
        "statuses": [status.value for status in Status],
        "counts": list(run.counts.values()),
        "planned": _planned(run),
        "phases": [
            [phase.value, seconds_of(seconds)] for phase, seconds in run.phase_seconds.items()
        ],
        "tests": tests,
        "details": details,
        "fixtures": [
            *(fixture_of(run, at, outcome, status_of(outcome)) for at, outcome in run.bad_fixtures),
            *(fixture_of(run, at, outcome, Status.FLAKY) for at, outcome in run.flaky_fixtures),
        ],
        "workers": workers,
        "templates": list(_templates(run)),
        "notes": [[seconds_of(at), level, text] for at, level, text in run.notes],
        "available": points_of(run.available),
        **({} if run.stress is None else {"stress": _stress(run.stress)}),
        **({} if run.sql is None else {"sql": sql_data(run.sql, run.sql_changes)}),
        # Last, for everything above puts names into it.
        "names": list(names.places),
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
                        "type": cut_line(failure.type_name),
                        "message": cut_line(failure.message),
                        "file": cut_line(failure.file),
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
        "startup": seconds_of(started.startup_seconds),
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
    finished = {"failure": run.finished.failure, "notRun": run.finished.not_run}
    return {**finished, "notAffected": run.not_affected} if run.not_affected else finished


def _planned(run: RunRecord) -> dict[str, Any] | None:
    if run.planned is None:
        return None
    return {
        "workers": run.planned.workers,
        "reason": run.planned.reason,
        "limits": [list(limit) for limit in run.planned.limits],
    }


def _worker(worker: WorkerRecord, names: Names) -> dict[str, Any]:
    return {
        "number": worker.number,
        "started": [seconds_of(at) for at in worker.started],
        "servers": [
            [
                seconds_of(at),
                server.group,
                server.container,
                server.version,
                seconds_of(server.seconds),
            ]
            for at, server in worker.servers
        ],
        "fixtures": [
            [
                names.place(fixture.name),
                seconds_of(fixture.started),
                seconds_of(fixture.seconds),
                fixture.query_count,
            ]
            for fixture in worker.fixtures
        ],
        "notes": [[seconds_of(at), text] for at, text in worker.notes],
        "process": points_of(worker.process_bytes),
        "memory": [[group, points_of(points)] for group, points in worker.server_bytes.items()],
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
                    "seconds": seconds_of(event.seconds),
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
                    "seconds": seconds_of(event.seconds),
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
