"""The words for what happens around tests, and how much they matter."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from typing import Final

from ctest_containers.events import (
    AffectedTestsChosen,
    BaseImageBuildStarted,
    BatchFinished,
    ContainersLeft,
    DriverUnfit,
    Event,
    FailedTestsChosen,
    FailureExported,
    FailureKept,
    FailureNotKept,
    FailuresKept,
    FixtureFinished,
    FixtureStarted,
    LeakDetected,
    LeaksUnseen,
    LimitsInverted,
    MemoryMeasured,
    NodeJoined,
    NodeLost,
    NodePrinted,
    NodeSilent,
    RegistryFailed,
    ReportLost,
    RerunsEnded,
    RerunStarted,
    ResetLeftToDjango,
    RunStopping,
    RunTimedOut,
    ServerMeasured,
    ServerReady,
    ShardChosen,
    StressFinished,
    StressProgressed,
    TestDuration,
    TestFinished,
    TestOutcome,
    TestRetried,
    TestSlow,
    TestStarted,
    TimePassed,
    TimingsLost,
    UsageUnrecorded,
    WorkerLost,
    WorkerPaused,
    WorkerRecycled,
    WorkerResumed,
    WorkerRetired,
    WorkersPlanned,
    WorkerStarted,
)
from ctest_containers.limits import Limit, why_run_ended
from ctest_containers.report.failed_tests import lines_on_failed
from ctest_containers.report.leaks import leak_in_words
from ctest_containers.report.stress import stress_lines
from ctest_containers.report.templates import TemplateEvent, lines_on_templates
from ctest_containers.text import duration, plural, size

SILENT: Final = frozenset(
    {
        TestStarted,
        TestOutcome,
        TestDuration,
        TestFinished,
        FixtureStarted,
        FixtureFinished,
        BatchFinished,
        TimePassed,
        StressProgressed,
        MemoryMeasured,
        ServerMeasured,
    }
)
"""Events that are too frequent for words; to match each of them would take time."""


def lines_of(event: Event) -> Iterator[tuple[int, str]]:
    """Sentences, each with its `logging` level; none for an event that is no news by itself."""
    if type(event) in SILENT:
        return
    if isinstance(event, TemplateEvent):
        yield from lines_on_templates(event)
        return
    match event:
        case ShardChosen(number=number, of=of, places=places):
            expected = (
                f", expected to take {duration(event.seconds)} of {duration(event.total_seconds)}"
                if event.total_seconds
                else ""
            )
            yield (
                logging.INFO,
                (
                    f"Shard {number} of {of}: {len(places)} of {plural(event.total, 'test')}"
                    f"{expected}."
                ),
            )
        case StressFinished():
            yield logging.INFO, "\n".join(["", *stress_lines(event)])
        case AffectedTestsChosen(affected=affected, not_affected=left, everything=everything):
            if everything:
                yield logging.INFO, f"Running every test: {everything}."
            else:
                total = plural(affected + left, "test")
                yield logging.INFO, f"Running {affected} of {total}; {left} not affected."
        case FailedTestsChosen() | RerunStarted() | RerunsEnded():
            yield from lines_on_failed(event)
        case NodeJoined(node=node, host=host, workers=workers):
            yield logging.INFO, f"The node {node} ({host}) has {plural(workers, 'worker')}."
        case NodeLost(node=node, reason=reason):
            yield logging.WARNING, f"The node {node} is lost: {reason.rstrip('.')}."
        case NodeSilent(node=node, seconds=seconds):
            yield (
                logging.WARNING,
                f"The node {node} has not sent anything for {duration(seconds)}.",
            )
        case NodePrinted(text=text):
            yield logging.INFO, text.rstrip("\n")
        case BaseImageBuildStarted(image=image):
            yield logging.INFO, f"Building {image}, once on this machine…"
        case WorkersPlanned() if event.workers:
            for warning in event.warnings:
                yield logging.WARNING, warning
            yield logging.INFO, f"Running in {plural(event.workers, 'worker')} ({event.reason})."
            for workers, reason in event.limits:
                yield logging.DEBUG, f"  {workers:>5}  {reason}"
        case (
            LimitsInverted(reason=reason)
            | TimingsLost(reason=reason)
            | RegistryFailed(reason=reason)
            | ReportLost(reason=reason)
        ):
            yield logging.WARNING, reason
        case DriverUnfit(alias=alias, reason=reason):
            yield logging.WARNING, f"The database {alias!r}: {reason}"
        case ContainersLeft(containers=containers, reason=reason):
            yield (
                logging.WARNING,
                (
                    f"These containers were not removed: {', '.join(containers)}. {reason}\n"
                    "When the engine answers again, run: python -m ctest_containers clean"
                ),
            )
        case FailureKept(test_id=test_id, size_bytes=count, seconds=seconds, notes=notes):
            yield (
                logging.DEBUG,
                f"Kept the databases of {test_id} ({size(count)}) in {duration(seconds)}.",
            )
            for note in notes:
                yield logging.WARNING, f"The kept databases of {test_id}: {note}"
        case FailureNotKept(test_id=test_id, reason=reason):
            yield logging.WARNING, f"The databases of {test_id} are not kept: {reason}"
        case FailureExported(test_id=test_id, file=file, size_bytes=count):
            yield logging.INFO, f"The databases of {test_id} are in {file} ({size(count)})."
        case FailuresKept(test_ids=test_ids):
            tests = plural(len({*test_ids}), "failed test")
            yield (
                logging.INFO,
                (
                    f"The databases of {tests} are kept. Open them: "
                    f"python -m ctest_containers open {shlex.quote(test_ids[0])}"
                ),
            )
        case RunTimedOut(limit_seconds=seconds, idle_only=idle_only):
            why = why_run_ended(Limit(seconds, idle_only))
            yield logging.WARNING, f"Ending the run: {why}."
        case TestSlow(test_id=test_id, seconds=seconds):
            yield logging.INFO, f"Slow: {test_id} has run for {seconds:.0f} s and is still working."
        case RunStopping(tests=tests):
            yield (
                logging.INFO,
                f"Stopping: waiting for {', '.join(tests)}. Ctrl-C again stops at once.",
            )
        case ServerReady(worker=worker, container=name, version=version, seconds=seconds):
            yield (
                logging.DEBUG,
                f"Worker {worker}: {name} ({version}) answered after {duration(seconds)}.",
            )
        case WorkerStarted(worker=worker, pid=pid):
            yield logging.DEBUG, f"Worker {worker}: process {pid}."
        case ResetLeftToDjango(worker=worker, alias=alias, reason=reason):
            yield (
                logging.WARNING if event.comparing else logging.DEBUG,
                (
                    f"Worker {worker}: {alias!r} is reset by Django's flush, at least in part: "
                    f"{reason}."
                ),
            )
        case WorkerRetired(worker=worker, reason=reason):
            yield logging.WARNING, f"Continuing without worker {worker}: {reason}"
        case WorkerPaused(worker=worker, available_bytes=available, floor_bytes=floor):
            yield (
                logging.WARNING,
                (
                    f"Worker {worker} is paused: {size(available)} of memory is available, and "
                    f"{size(floor)} must stay free."
                ),
            )
        case WorkerResumed(worker=worker, available_bytes=available):
            yield (
                logging.INFO,
                f"Worker {worker} continues: {size(available)} of memory is available again.",
            )
        case WorkerRecycled(worker=worker, memory_bytes=count, limit_bytes=limit):
            yield (
                logging.DEBUG,
                (
                    f"Worker {worker} continues in a new process: the old one used {size(count)}, "
                    f"more than its limit of {size(limit)}."
                ),
            )
        case TestRetried(test_id=test_id, limit_seconds=seconds):
            yield (
                logging.INFO,
                (
                    f"{test_id} exceeded {seconds:.3g} s, several times its usual duration; "
                    "retrying it with the full limit."
                ),
            )
        case LeakDetected():
            yield logging.WARNING, leak_in_words(event)
        case LeaksUnseen(alias=alias, reason=reason):
            yield logging.WARNING, f"Leaks in the database {alias!r} cannot be detected: {reason}"
        case UsageUnrecorded(reason=reason):
            yield logging.WARNING, f"What tests use is not recorded: {reason}"
        case WorkerLost(worker=worker, cause=cause, test_id=test_id):
            where = f" in {test_id}" if test_id else ""
            yield logging.WARNING, f"Worker {worker} ended with {cause}{where}."
        case _:
            pass
