"""Plans the number of workers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from ctest_containers.text import plural, size

BYTES_PER_WORKER: Final = 512 * 2**20
"""The assumed memory of a worker and its server until past runs have measured it."""

MARGIN: Final = 1.25
"""The factor by which a worker may exceed what past runs measured."""

LITTLE_BYTES: Final = 2 * 2**30
"""With less memory than this, there are at most WORKERS_WITH_LITTLE workers."""

WORKERS_WITH_LITTLE: Final = 2


@dataclass(frozen=True, slots=True)
class Limit:
    """The number of workers that one criterion allows."""

    workers: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned number of workers, and what decided it.

    Attributes:
        limits: All limits; the decisive one comes first.
        warnings: Sentences for the user.
        worker_bytes: The memory that a worker and its servers are expected to need.
    """

    workers: int
    reason: str
    limits: tuple[Limit, ...] = field(default=(), compare=False)
    warnings: tuple[str, ...] = field(default=(), compare=False)
    worker_bytes: int = field(default=BYTES_PER_WORKER, compare=False)


def plan_workers(
    *,
    asked: int | None,
    cores: int,
    batches: int | None,
    available_bytes: int | None,
    minimum: int,
    maximum: int,
    measured_bytes: int | None = None,
    helpful: int | None = None,
    engine_bytes: int | None = None,
) -> Plan:
    """Return the least of the requested number (or the cores), batches, memory and maximum.

    Args:
        asked: The number that the user requested, or None for one per core. Django runs serially
            for a negative number.
        batches: The number of batches; None if not yet known.
        available_bytes: Memory that is available for tests; None if unknown.
        minimum: The least number on a machine with fewer cores, if the memory allows it.
        maximum: The most workers in any case.
        measured_bytes: The memory of a worker and its servers in past runs, if known.
        engine_bytes: Memory that is available on the engine's machine, if that is another machine.
        helpful: The number of workers beyond which the run would not finish sooner, if known.

    Returns:
        A plan with at least one worker if there is a batch to run; with none otherwise.
    """
    if asked is not None:
        baseline = Limit(max(1, asked), "as many as requested")
    elif cores < minimum <= maximum:
        baseline = Limit(minimum, "the configured minimum")
    else:
        baseline = Limit(cores, plural(cores, "core"))
    limits = [baseline, Limit(maximum, "the configured maximum")]
    if batches is not None:
        limits.append(Limit(batches, f"{plural(batches, 'batch')} of tests"))
    if helpful is not None and asked is None:
        limits.append(Limit(helpful, "more would not finish sooner"))
    warnings: list[str] = []
    measured = int((measured_bytes or 0) * MARGIN)
    worker_bytes = measured or BYTES_PER_WORKER
    if available_bytes is None:
        warnings.append(
            "The available memory is unknown, so it does not limit the number of workers."
        )
    for free, where in ((available_bytes, ""), (engine_bytes, " to the engine")):
        if free is None:
            continue
        carried = max(1, free // worker_bytes)
        if free < LITTLE_BYTES:
            carried = min(carried, WORKERS_WITH_LITTLE)
            warnings.append(
                f"Only {size(free)} of memory is available{where}, so there are at most "
                f"{plural(min(WORKERS_WITH_LITTLE, maximum), 'worker')}."
            )
        each = f"{size(worker_bytes)} for each worker{' as measured' if measured else ''}"
        limits.append(Limit(carried, f"{size(free)} of memory available{where}, {each}"))
    limits.sort(key=lambda limit: limit.workers)
    first = limits[0]
    return Plan(first.workers, first.reason, tuple(limits), tuple(warnings), worker_bytes)
