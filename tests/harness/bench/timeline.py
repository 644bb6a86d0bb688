"""When what happened in a run of the toolkit, from the event log that it has left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ctest_containers.events import (
    BatchFinished,
    FixtureFinished,
    RunStarted,
    ServerReady,
    TemplateBuilt,
    TestFinished,
    TestStarted,
)
from ctest_containers.history import Entry, History
from ctest_containers.history.store import read
from ctest_containers.report.recording import record_of
from ctest_containers.text import slug
from harness.bench.place import Place
from harness.bench.trouble import BenchError


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run by its clock; all in seconds.

    Attributes:
        phases: What each phase took, by its name.
        first_test: From the start of the process to that of the first test.
        last_test: From the start of the process to the end of the last test.
        tests: What all tests took together, as workers measured them.
        resets: What batches took beyond their tests and fixtures, over the number of tests: what
            Django does between tests, such as flushes.
        servers: For each server the time from asking for it to its first answered query.
        builds: What each template took that was built.
        version: What the servers say they are; empty where there are none.
    """

    phases: dict[str, float]
    first_test: float
    last_test: float
    tests: float
    resets: float
    servers: tuple[float, ...]
    builds: tuple[float, ...]
    version: str


def last_run(place: Place, name: str) -> Timeline:
    """The last run with that cache and name.

    Raises:
        BenchError: It has had no test.
    """
    folder = place.cache(name) / "ctest_containers" / "runs" / slug(place.project(name))
    return timeline(read(History(folder).find()))


def timeline(entries: Sequence[Entry]) -> Timeline:
    """The events of a run, summed up.

    Raises:
        BenchError: It has had no test.
    """
    started = [at for at, event in entries if isinstance(event, TestStarted)]
    finished = [(at, event) for at, event in entries if isinstance(event, TestFinished)]
    if not started or not finished:
        raise BenchError("The event log of a run of the toolkit has no test.")
    startup = sum(one.startup_seconds for _, one in entries if isinstance(one, RunStarted))
    tests = sum(event.seconds for _, event in finished)
    fixtures = sum(one.seconds for _, one in entries if isinstance(one, FixtureFinished))
    batches = sum(one.seconds for _, one in entries if isinstance(one, BatchFinished))
    phases = record_of(entries).phase_seconds
    servers = [one for _, one in entries if isinstance(one, ServerReady)]
    return Timeline(
        phases={phase.value: seconds for phase, seconds in phases.items()},
        first_test=startup + min(started),
        last_test=startup + max(at for at, _ in finished),
        tests=tests,
        resets=max(0.0, batches - tests - fixtures) / len(finished),
        servers=tuple(one.seconds for one in servers),
        builds=tuple(one.seconds for _, one in entries if isinstance(one, TemplateBuilt)),
        version=servers[0].version if servers else "",
    )
