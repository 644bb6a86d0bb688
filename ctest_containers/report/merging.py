"""Joins the event logs of jobs that have shared the tests of a run."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ctest_containers.errors import UsageError
from ctest_containers.events import (
    BatchFinished,
    Event,
    MemoryMeasured,
    PhaseStarted,
    RerunsEnded,
    RerunStarted,
    RunFinished,
    RunStarted,
    ShardChosen,
    TestsFound,
    WorkersPlanned,
)
from ctest_containers.history import Entry
from ctest_containers.text import listing, plural

OF_ONE_MACHINE: Final = (MemoryMeasured, RunStarted, RunFinished, TestsFound, WorkersPlanned)
"""What has no meaning for several jobs together, or is said of all of them at once."""


@dataclass(frozen=True, slots=True)
class Job:
    """What one job has left.

    Attributes:
        name: How its log is called.
        workers: The highest number of a worker that it had.
    """

    name: str
    entries: Sequence[Entry]
    started: RunStarted
    shard: ShardChosen
    tests: TestsFound | None
    finished: RunFinished | None
    workers: int

    @property
    def began(self) -> float:
        """When it began, in seconds since 1970."""
        return dt.datetime.fromisoformat(self.started.started_at).timestamp()

    @property
    def title(self) -> str:
        """How people call it."""
        return f"Shard {self.shard.number} of {self.shard.of}"


@dataclass(frozen=True, slots=True)
class Merged:
    """A run that several jobs have shared.

    Attributes:
        entries: Its events, as if one process had seen them all.
        trouble: Sentences on what is missing; empty where every test was run.
        notes: Sentences on what else a person should know.
        logs: The names of the logs that it consists of.
    """

    entries: Sequence[Entry]
    trouble: Sequence[str]
    notes: Sequence[str]
    logs: Sequence[str]


def merge(logs: Mapping[str, Sequence[Entry]]) -> Merged:
    """Join the logs of jobs, by their names.

    Raises:
        UsageError: They are not of jobs that have shared the same tests.
    """
    jobs, notes = _one_of_each([_job(name, entries) for name, entries in logs.items()])
    _check_agreement(jobs)
    of = jobs[0].shard.of
    there = {job.shard.number for job in jobs}
    missing = [str(number) for number in range(1, of + 1) if number not in there]
    trouble = []
    if missing:
        which = f"Shard {missing[0]}" if len(missing) == 1 else f"Shards {listing(missing, 20)}"
        left = _total(jobs) - sum(len(job.shard.places) for job in jobs)
        verb = "is" if len(missing) == 1 else "are"
        trouble.append(f"{which} of {of} {verb} missing, with {plural(left, 'test')}.")
    for job in jobs:
        if job.finished is None:
            trouble.append(f"{job.title} did not finish.")
        elif job.finished.failure:
            trouble.append(f"{job.title}: {job.finished.failure}")
    return Merged(list(_joined(jobs, trouble)), trouble, notes, [job.name for job in jobs])


def _job(name: str, entries: Sequence[Entry]) -> Job:
    first_of: dict[type, Any] = {}
    workers = 0
    for _, event in entries:
        first_of.setdefault(type(event), event)
        workers = max(workers, getattr(event, "worker", 0))
    if RunStarted not in first_of or ShardChosen not in first_of:
        raise UsageError(
            f"The event log {name} does not belong to a shard.",
            "report merge joins the event logs of runs with --shard 1/2, --shard 2/2 and so on.",
        )
    return Job(
        name=name,
        entries=entries,
        started=first_of[RunStarted],
        shard=first_of[ShardChosen],
        tests=first_of.get(TestsFound),
        finished=first_of.get(RunFinished),
        workers=workers,
    )


def _one_of_each(jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
    """The latest job of each number: a CI may run one again."""
    latest: dict[int, Job] = {}
    notes = []
    for job in sorted(jobs, key=lambda job: job.began):
        before = latest.get(job.shard.number)
        if before is not None:
            notes.append(f"{job.title} has run more than once; {job.name} is used.")
        latest[job.shard.number] = job
    return [latest[number] for number in sorted(latest)], notes


def _check_agreement(jobs: Sequence[Job]) -> None:
    """Make sure that all have divided the same tests in the same way."""
    first, *others = jobs
    for other in others:
        mine, theirs = first.shard, other.shard
        if mine.of != theirs.of:
            what = f"come from runs with {mine.of} and {theirs.of} shards"
            hint = "Name the event logs of one run only."
        elif mine.tests != theirs.tests:
            what = f"come from runs that found different tests: {mine.total} and {theirs.total}"
            hint = "Run all jobs with the same code, labels and options, and the same --shuffle."
        elif mine.timings != theirs.timings:
            what = "come from runs that divided the tests by different timings"
            hint = "Give all jobs the same timings file, and the same --split-classes."
        else:
            continue
        raise UsageError(f"{first.name} and {other.name} {what}.", hint)
    places = sorted(place for job in jobs for place in job.shard.places)
    if len(places) != len(set(places)):
        raise UsageError(
            f"Some tests are in more than one of {listing([job.name for job in jobs], 5)}.",
            "Run all jobs with the same version of ctest_containers.",
        )


def _joined(jobs: Sequence[Job], trouble: Sequence[str]) -> Iterator[Entry]:
    began = min(job.began for job in jobs)
    first = min(jobs, key=lambda job: job.began)
    tests = {
        place: test
        for job in jobs
        if job.tests is not None
        for place, test in zip(job.shard.places, job.tests.tests, strict=True)
    }
    index_of = {place: index for index, place in enumerate(sorted(tests))}
    yield Entry(0.0, first.started)
    yield Entry(0.0, TestsFound(tests=tuple(tests[place] for place in index_of)))
    yield Entry(0.0, _planned(jobs))
    # The phases of one job follow each other; mixed with other jobs', they would mean nothing.
    longest = max(jobs, key=_end)
    entries: list[Entry] = []
    workers = 0
    for job in jobs:
        later = job.began - began
        indices = [index_of[place] for place in job.shard.places if place in index_of]
        for at, event in job.entries:
            if isinstance(event, OF_ONE_MACHINE) or (
                isinstance(event, PhaseStarted) and job is not longest
            ):
                continue
            entries.append(Entry(round(at + later, 6), _moved(event, workers, indices)))
        workers += job.workers
    entries.sort(key=lambda entry: entry.at)
    yield from entries
    not_run = max(0, _total(jobs) - len(tests))
    not_run += sum(job.finished.not_run for job in jobs if job.finished is not None)
    end = max(_end(job) for job in jobs) - began
    flaky_fails = any(job.finished.flaky_fails for job in jobs if job.finished is not None)
    finished = RunFinished(not_run=not_run, failure=" ".join(trouble), flaky_fails=flaky_fails)
    yield Entry(round(end, 6), finished)


def _total(jobs: Sequence[Job]) -> int:
    """How many tests all jobs have; with `--failed`, an earlier job may have known of more."""
    return max(job.shard.total for job in jobs)


def _end(job: Job) -> float:
    return job.began + (job.entries[-1].at if job.entries else 0.0)


def _planned(jobs: Sequence[Job]) -> WorkersPlanned:
    plans = [event for job in jobs for _, event in job.entries if isinstance(event, WorkersPlanned)]
    return WorkersPlanned(
        workers=sum(plan.workers for plan in plans),
        reason=f"in {plural(len(jobs), 'shard')}",
        limits=(),
        warnings=(),
        expected_seconds=max((plan.expected_seconds for plan in plans), default=0.0),
    )


def _moved(event: Event, workers: int, indices: Sequence[int]) -> Event:
    """An event of a job with the numbers that its worker and its test have among all."""
    changes: dict[str, Any] = {}
    worker = getattr(event, "worker", None)
    if worker:
        changes["worker"] = worker + workers
    index = getattr(event, "index", None)
    if index is not None:
        changes["index"] = indices[index]
    if isinstance(event, (RerunStarted, RerunsEnded)):
        changes["indices"] = tuple(indices[place] for place in event.indices)
    if isinstance(event, BatchFinished):
        # Each job numbers its own batches, and no report uses the numbers.
        changes["batch"] = 0
    moved: Event = dataclasses.replace(event, **changes) if changes else event
    return moved
