"""What a benchmark has found, and how JSON carries it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from harness.bench.machine import Machine
from harness.bench.noise import MOST_FOREIGN, MOST_SPREAD, NoiseWatch
from harness.bench.spread import spread

FORMAT: Final = "ctest-containers-bench"
VERSION: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing that was measured in every round.

    Attributes:
        name: The way that the tests were run, or the phase.
        measure: What of it: `process`, `tests`, `cpu` in suites; empty where there is one thing.
        values: In the order of the rounds.
        ratio: As a multiple of the base; None for what has none.
        tests: How many tests each run had; None where that is no part of it.
        failed: How many of them failed in each round.
        at: The point of a growth.
        unit: Of the values: `s` or `MiB`.
    """

    name: str
    measure: str = ""
    values: tuple[float, ...]
    ratio: float | None = None
    tests: int | None = None
    failed: tuple[int, ...] = ()
    at: Mapping[str, int | str] = field(default_factory=dict)
    unit: str = "s"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What came of a case.

    Attributes:
        on: The flavour of the database.
        server: What its server says it is.
        options: What the case was run with.
        base: The way that ratios are multiples of; empty where there are none.
        notes: What has to be known of the figures, as sentences.
    """

    name: str
    on: str
    server: str
    options: Mapping[str, Any]
    base: str = ""
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]
    noise: NoiseWatch


@dataclass(frozen=True, slots=True)
class Failure:
    """A case without figures.

    Attributes:
        kind: `noise` or `error`.
        reason: Why, as a sentence.
    """

    case: str
    kind: str
    reason: str


def as_json(
    machine: Machine, cases: Sequence[CaseResult], failures: Sequence[Failure]
) -> dict[str, Any]:
    """What JSON can carry; docs/benchmarks.md says what is in it."""
    return {
        "format": FORMAT,
        "version": VERSION,
        "machine": asdict(machine),
        "cases": [_case(one) for one in cases],
        "failures": [asdict(one) for one in failures],
    }


def _case(case: CaseResult) -> dict[str, Any]:
    noisy = bool(case.noise.trouble)
    return {
        "name": case.name,
        "on": case.on,
        "server": case.server,
        "options": dict(case.options),
        "base": case.base,
        "notes": list(case.notes),
        "noise": {
            "noisy": noisy,
            "reason": case.noise.trouble,
            "spread": case.noise.spread,
            "spread_allowed": MOST_SPREAD,
            "foreign_share": case.noise.foreign,
            "foreign_share_allowed": MOST_FOREIGN,
            "calibrations": [asdict(one) for one in case.noise.calibrations],
        },
        "figures": [_figure(one, noisy=noisy) for one in case.figures],
    }


def _figure(figure: Figure, *, noisy: bool) -> dict[str, Any]:
    return {
        "name": figure.name,
        "measure": figure.measure,
        "unit": figure.unit,
        "noisy": noisy,
        **asdict(spread(figure.values)),
        "values": list(figure.values),
        "ratio": figure.ratio,
        "tests": figure.tests,
        "failed": list(figure.failed),
        "at": dict(figure.at),
    }
