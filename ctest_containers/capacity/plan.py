"""The number of workers, from plain numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.text import plural, size

BYTES_PER_WORKER: Final = 512 * 2**20
"""What a worker process and its server are assumed to need together."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How many workers there will be, and what decided it."""

    workers: int
    reason: str


def plan_workers(
    *, asked: int | None, cores: int, batches: int, available_bytes: int | None, maximum: int
) -> Plan:
    """The least of what was asked (or the cores), the batches, the memory and the maximum.

    Args:
        asked: The user's own number, or None to let the cores decide. Django takes a negative one
            for a serial run.
        available_bytes: Memory that is free for tests, or None when it cannot be known.
        maximum: Never more than this.

    Returns:
        At least one worker as long as there is a batch to run; none otherwise.
    """
    wanted = (
        Plan(cores, plural(cores, "core"))
        if asked is None
        else Plan(max(1, asked), "as many as asked for")
    )
    limits = [
        wanted,
        Plan(batches, f"{batches} batch{'' if batches == 1 else 'es'} of tests"),
        Plan(maximum, "the configured maximum"),
    ]
    if available_bytes is not None:
        carried = max(1, available_bytes // BYTES_PER_WORKER)
        limits.append(Plan(carried, f"{size(available_bytes)} of memory available"))
    return min(limits, key=lambda limit: limit.workers)
