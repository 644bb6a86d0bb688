"""Durations of tests, fixtures and classes, merged over runs."""

from __future__ import annotations

import datetime as dt
import math
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from ctest_containers.names import class_of

T = TypeVar("T")

FORMAT: Final = "ctest-containers-timings"
VERSION: Final = 1

WEIGHT_OF_NEW: Final = 0.5
"""The weight of the newest run in the exponentially smoothed mean."""

FORGOTTEN_DAYS: Final = 90
"""Tests that have not run for this many days are forgotten as renamed or removed."""

PROCESS: Final = "worker process"
"""The name of a worker's process among the peaks of memory."""

KINDS: Final = ("tests", "fixtures", "classes")

RECENT_RUNS: Final = 20
"""How many single durations of a test are kept."""

ADAPTIVE_RUNS: Final = 3
"""An adaptive limit needs at least this many durations."""

ADAPTIVE_SHARE: Final = 0.95
ADAPTIVE_FACTOR: Final = 4.0
ADAPTIVE_FLOOR_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The duration of a test, fixture or class.

    Attributes:
        seconds: The mean over past runs, in which the latest count most.
        runs: The number of these runs.
        seen: The day of the last of them, in ISO 8601.
        queries: The number of queries in the last run; None if they were not counted.
        recent: The seconds of its last runs, the latest last; for tests only.
    """

    seconds: float
    runs: int
    seen: str
    queries: int | None = None
    recent: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that a process or server has used.

    Attributes:
        count: Bytes; a run that uses less lowers it by half of the difference.
        seen: The day of the last run, in ISO 8601.
    """

    count: int
    seen: str


@dataclass(slots=True)
class Measured:
    """The measurements of one run, in seconds and bytes.

    Attributes:
        tests: By test id.
        fixtures: By unittest's names for them: `setUpClass (shop.tests.CartTests)`.
        classes: By class: the time beyond its tests, such as fixtures and flushes.
        memory: The most that a worker's process and a server of each group used.
        queries: The number of queries of each test and fixture.
    """

    tests: dict[str, float] = field(default_factory=dict)
    fixtures: dict[str, float] = field(default_factory=dict)
    classes: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timings:
    """The merged measurements of past runs; see `Measured` for the keys."""

    tests: Mapping[str, Timing] = field(default_factory=dict)
    fixtures: Mapping[str, Timing] = field(default_factory=dict)
    classes: Mapping[str, Timing] = field(default_factory=dict)
    memory: Mapping[str, Peak] = field(default_factory=dict)
    _mean: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # The mean of all tests, for unknown ones; asked for once per batch.
        durations = [timing.seconds for timing in self.tests.values()]
        mean = statistics.fmean(durations) if durations else 0.0
        object.__setattr__(self, "_mean", mean)

    def merged(self, measured: Measured, today: dt.date) -> Timings:
        """Merge the measurements of one more run, and forget tests that have not run for long."""
        merged: dict[str, Any] = {
            kind: _merged(
                getattr(self, kind),
                getattr(measured, kind),
                queries=measured.queries,
                most_recent=RECENT_RUNS if kind == "tests" else 0,
                today=today,
            )
            for kind in KINDS
        }
        memory = {**self.memory, **_peaks(self.memory, measured.memory, today)}
        return Timings(**merged, memory=memory)

    def worker_bytes(self, servers: Iterable[str]) -> int | None:
        """The memory of a worker's process and servers together; None if one was never measured.

        Args:
            servers: The labels of the groups of databases that it has servers of.
        """
        peaks = [self.memory.get(name) for name in (PROCESS, *servers)]
        known = [peak.count for peak in peaks if peak is not None]
        return sum(known) if len(known) == len(peaks) else None

    def expected_seconds(self, tests: Iterable[str]) -> float | None:
        """The expected time of tests of one class or more; None if no test is known.

        A test that is not known yet is taken for an average one.
        """
        if not self.tests:
            return None
        total, classes = 0.0, set()
        for test in tests:
            known = self.tests.get(test)
            total += self._mean if known is None else known.seconds
            classes.add(class_of(test))
        return total + sum(self.classes[name].seconds for name in classes if name in self.classes)

    def adaptive_limits(self) -> dict[str, float]:
        """The time limits, in seconds, of the tests that are known well enough.

        That is several times what 95 of 100 of its last runs took, and never less than a floor
        that a busy machine alone does not exceed.
        """
        return {
            test: max(ADAPTIVE_FLOOR_SECONDS, ADAPTIVE_FACTOR * _percentile(timing.recent))
            for test, timing in self.tests.items()
            if len(timing.recent) >= ADAPTIVE_RUNS
        }

    def as_json(self) -> dict[str, Any]:
        """The timings as JSON values; see `from_json`."""
        content: dict[str, Any] = {"format": FORMAT, "version": VERSION}
        for kind in KINDS:
            content[kind] = {
                key: _as_json(timing) for key, timing in sorted(getattr(self, kind).items())
            }
        content["memory"] = {
            name: {"bytes": peak.count, "seen": peak.seen}
            for name, peak in sorted(self.memory.items())
        }
        return content


def from_json(content: Any) -> Timings:
    """The timings that `as_json` has written; invalid entries are skipped.

    Raises:
        ValueError: The format or version is unknown.
    """
    try:
        if (content["format"], content["version"]) != (FORMAT, VERSION):
            raise ValueError(f"is not in the format {FORMAT!r}, version {VERSION}")
        kinds: dict[str, Any] = {kind: _entries(content[kind], _timing) for kind in KINDS}
        return Timings(**kinds, memory=_entries(content["memory"], _peak))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is not in the format {FORMAT!r}: {error!r}") from error


def _entries(content: Mapping[str, Any], read: Callable[[Any], T]) -> dict[str, T]:
    """The valid entries of a part of the file."""
    entries = {}
    for name, entry in content.items():
        with suppress(KeyError, TypeError, AttributeError, ValueError, OverflowError):
            entries[str(name)] = read(entry)
    return entries


def _peak(entry: Any) -> Peak:
    count = int(entry["bytes"])
    if count < 0:
        raise ValueError(f"has no size in {entry!r}")
    return Peak(count, dt.date.fromisoformat(entry["seen"]).isoformat())


def _peaks(
    known: Mapping[str, Peak], measured: Mapping[str, int], today: dt.date
) -> dict[str, Peak]:
    peaks = {}
    for name, count in measured.items():
        before = known.get(name)
        least = 0 if before is None else (before.count + count) // 2
        peaks[name] = Peak(max(count, least), today.isoformat())
    return peaks


def _percentile(recent: Sequence[float]) -> float:
    """The duration that the share ADAPTIVE_SHARE of these does not exceed."""
    return sorted(recent)[math.ceil(ADAPTIVE_SHARE * len(recent)) - 1]


def _as_json(timing: Timing) -> dict[str, Any]:
    content = {"seconds": timing.seconds, "runs": timing.runs, "seen": timing.seen}
    more = {"queries": timing.queries, "recent": list(timing.recent)}
    return {**content, **{name: value for name, value in more.items() if value not in (None, [])}}


def _timing(entry: Any) -> Timing:
    seconds, runs = float(entry["seconds"]), int(entry["runs"])
    seen = dt.date.fromisoformat(entry["seen"]).isoformat()
    recent = tuple(map(float, entry.get("recent") or ()))
    queries = None if entry.get("queries") in (None, "") else int(entry["queries"])
    durations = (seconds, *recent)
    if not all(math.isfinite(duration) and duration >= 0 for duration in durations) or runs < 1:
        raise ValueError(f"has no duration in {entry!r}")
    return Timing(seconds, runs, seen, queries, recent[-RECENT_RUNS:])


def _merged(
    known: Mapping[str, Timing],
    measured: Mapping[str, float],
    *,
    queries: Mapping[str, int],
    most_recent: int,
    today: dt.date,
) -> dict[str, Timing]:
    oldest = (today - dt.timedelta(days=FORGOTTEN_DAYS)).isoformat()
    timings = {key: timing for key, timing in known.items() if timing.seen >= oldest}
    for key, seconds in measured.items():
        before = known.get(key)
        if before is None:
            before = Timing(seconds, 0, "")
        mean = WEIGHT_OF_NEW * seconds + (1 - WEIGHT_OF_NEW) * before.seconds
        recent = (*before.recent, float(f"{seconds:.4g}"))[-most_recent:] if most_recent else ()
        sent = queries.get(key)
        timings[key] = Timing(mean, before.runs + 1, today.isoformat(), sent, recent)
    return timings
