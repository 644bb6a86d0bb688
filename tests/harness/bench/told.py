"""What runners say at the end of a run."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

RAN: Final = re.compile(r"^Ran (\d+) tests? in ([\d.]+)s", re.MULTILINE)
FAILED: Final = re.compile(r"^FAILED \((.*)\)", re.MULTILINE)
BAD: Final = re.compile(r"(?:(?<!expected )failures|errors|unexpected successes)=(\d+)")
SUMMARY: Final = re.compile(r"^=* ?(\d+ [a-z].*) in ([\d.]+)s(?: \([\d:]+\))? ?=*$", re.MULTILINE)
PART: Final = re.compile(r"(\d+) (passed|failed|skipped|xfailed|xpassed|errors?)\b")


class Counting(str, Enum):
    """Who counts the tests of a run, each in its own way."""

    UNITTEST = "unittest"
    PYTEST = "pytest"


@dataclass(frozen=True, slots=True)
class Told:
    """A run as its runner sums it up.

    Attributes:
        seconds: unittest's are those of the tests alone; pytest's are those of its session, with
            collection and the set-up of databases.
        failed: Failures, errors and unexpected successes.
    """

    tests: int
    seconds: float
    failed: int


def told(output: str, counting: Counting) -> Told | None:
    """What a run has said; None where it has not come to its end."""
    if counting is Counting.UNITTEST:
        ran = list(RAN.finditer(output))
        if not ran:
            return None
        failed = FAILED.search(output, ran[-1].end())
        count = sum(map(int, BAD.findall(failed[1]))) if failed else 0
        return Told(int(ran[-1][1]), float(ran[-1][2]), count)
    sums = list(SUMMARY.finditer(output))
    if not sums:
        return None
    parts = {kind: int(count) for count, kind in PART.findall(sums[-1][1])}
    bad = sum(parts.get(kind, 0) for kind in ("failed", "error", "errors"))
    return Told(sum(parts.values()), float(sums[-1][2]), bad)
