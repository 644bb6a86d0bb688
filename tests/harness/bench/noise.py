"""How noisy the machine is: fixed work that should always take the same, and what others take."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import psutil

from harness.bench.trouble import NoisyError

LOOPS: Final = 9
STEPS: Final = 600_000
"""About 50 ms of one core on a machine of 2020."""

MOST_SPREAD: Final = 0.15
"""By what share the slowest calibration of a case may exceed its quickest one."""

MOST_FOREIGN: Final = 0.15
"""What share of all cores may be taken by processes that are not ours."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """One look at the machine while nothing of ours runs.

    Attributes:
        loop_seconds: What the fixed work took, the median of several times.
        foreign_share: The share of all cores that other processes took meanwhile, from 0 to 1.
    """

    loop_seconds: float
    foreign_share: float


def calibrate() -> Calibration:
    """Do the fixed work several times, half a second in all."""
    before, own, began = _busy_seconds(), _own_seconds(), time.perf_counter()
    loops = [_loop() for _ in range(LOOPS)]
    wall = time.perf_counter() - began
    foreign = (_busy_seconds() - before) - (_own_seconds() - own)
    cores = psutil.cpu_count() or 1
    return Calibration(statistics.median(loops), min(1.0, max(0.0, foreign / (cores * wall))))


@dataclass(slots=True)
class NoiseWatch:
    """Looks at the machine again and again during a case.

    Args:
        tolerant: Whether a noisy machine is only told of, and not refused.
        look: What one look is.
    """

    tolerant: bool = False
    look: Callable[[], Calibration] = calibrate
    calibrations: list[Calibration] = field(default_factory=list)

    def sample(self) -> None:
        """Look once more.

        Raises:
            NoisyError: What was seen so far is too noisy.
        """
        self.calibrations.append(self.look())
        if self.trouble and not self.tolerant:
            raise NoisyError(self.trouble)

    @property
    def spread(self) -> float:
        """By what share the slowest calibration exceeds the quickest."""
        loops = [one.loop_seconds for one in self.calibrations]
        return max(loops) / min(loops) - 1 if loops else 0.0

    @property
    def foreign(self) -> float:
        """The largest share of the cores that other processes took during a calibration."""
        return max((one.foreign_share for one in self.calibrations), default=0.0)

    @property
    def trouble(self) -> str:
        """Why figures are not to be trusted, as a sentence; empty where they may be."""
        found = []
        if self.spread > MOST_SPREAD:
            found.append(
                f"the same work took up to {self.spread:.0%} longer than at its quickest "
                f"(at most {MOST_SPREAD:.0%} is allowed)"
            )
        if self.foreign > MOST_FOREIGN:
            found.append(
                f"other processes took up to {self.foreign:.0%} of all cores "
                f"(at most {MOST_FOREIGN:.0%} is allowed)"
            )
        return f"The machine is too noisy: {' and '.join(found)}." if found else ""


def _loop() -> float:
    began = time.perf_counter()
    total = 0
    for step in range(STEPS):
        total += step * step % 7
    return time.perf_counter() - began


def _busy_seconds() -> float:
    """What all processes of the machine have taken of all cores since it was started."""
    times = psutil.cpu_times()
    return float(sum(times[:3]) + sum(getattr(times, name, 0.0) for name in ("irq", "softirq")))


def _own_seconds() -> float:
    times = os.times()
    return times.user + times.system
