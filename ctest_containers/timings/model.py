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
"""What the newest run counts against all earlier ones: exponential smoothing."""

FORGOTTEN_DAYS: Final = 90
"""What no run has seen for so long was renamed or removed."""

PROCESS: Final = "worker process"
"""The name of a worker's own process among the peaks of memory."""

KINDS: Final = ("tests", "fixtures", "classes")

RECENT_RUNS: Final = 20
"""How many durations of a test are kept one by one."""

ADAPTIVE_RUNS: Final = 3
"""So many durations say something about how long a test may take."""

ADAPTIVE_SHARE: Final = 0.95
ADAPTIVE_FACTOR: Final = 4.0
ADAPTIVE_FLOOR_SECONDS: Final = 2.0


@dataclass(frozen=True, slots=True)
class Timing:
    """How long something takes.

    Attributes:
        seconds: The mean over past runs, the latest of which count most.
        runs: How many runs it comes from.
        seen: The day of the last of them, as ISO 8601 has it.
        queries: How many queries it sent in the last run; None where they were not counted.
        recent: The seconds of its last runs, the latest of them last; kept for tests only.
    """

    seconds: float
    runs: int
    seen: str
    queries: int | None = None
    recent: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that something has taken.

    Attributes:
        count: Bytes; a run that took less lowers it by half of the difference.
        seen: The day of the last run, as ISO 8601 has it.
    """

    count: int
    seen: str


@dataclass(slots=True)
class Measured:
    """What one run has measured, in seconds and bytes.

    Attributes:
        tests: By test id.
        fixtures: By their names in unittest's words: `setUpClass (shop.tests.CartTests)`.
        classes: By class: what it took beyond its tests, such as its fixtures and flushes.
        memory: The most that a worker's process took, and a server of each group of databases.
        queries: How many queries each test and each fixture sent.
    """

    tests: dict[str, float] = field(default_factory=dict)
    fixtures: dict[str, float] = field(default_factory=dict)
    classes: dict[str, float] = field(default_factory=dict)
    memory: dict[str, int] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timings:
    """What past runs have measured; see `Measured` for the keys."""

    tests: Mapping[str, Timing] = field(default_factory=dict)
    fixtures: Mapping[str, Timing] = field(default_factory=dict)
    classes: Mapping[str, Timing] = field(default_factory=dict)
    memory: Mapping[str, Peak] = field(default_factory=dict)
    _mean: float = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Of all tests, for those that are not known; asked for once for each batch.
        durations = [timing.seconds for timing in self.tests.values()]
        mean = statistics.fmean(durations) if durations else 0.0
        object.__setattr__(self, "_mean", mean)

    def merged(self, measured: Measured, today: dt.date) -> Timings:
        """These timings and those of one more run; what nobody has seen for long is left out."""
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
        """What a worker's process and its servers take together; None if one was never measured.

        Args:
            servers: The labels of the groups of databases that it has servers of.
        """
        peaks = [self.memory.get(name) for name in (PROCESS, *servers)]
        known = [peak.count for peak in peaks if peak is not None]
        return sum(known) if len(known) == len(peaks) else None

    def expected_seconds(self, tests: Iterable[str]) -> float | None:
        """What tests of one class or more take together; None where no test is known at all.

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
        """What each test that is known well enough may take, in seconds.

        That is several times what 95 of 100 of its last runs took, and never less than a floor
        that a busy machine alone does not exceed.
        """
        return {
            test: max(ADAPTIVE_FLOOR_SECONDS, ADAPTIVE_FACTOR * _percentile(timing.recent))
            for test, timing in self.tests.items()
            if len(timing.recent) >= ADAPTIVE_RUNS
        }

    def as_json(self) -> dict[str, Any]:
        """What JSON can carry; see `from_json`."""
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
            raise ValueError(f"is not of the format {FORMAT!r}, version {VERSION}")
        kinds: dict[str, Any] = {kind: _entries(content[kind], _timing) for kind in KINDS}
        return Timings(**kinds, memory=_entries(content["memory"], _peak))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"is not of the format {FORMAT!r}: {error!r}") from error


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
    """The shortest of these durations that so large a share of them does not exceed."""
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
