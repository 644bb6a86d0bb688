"""Plans a run: its batches, their expected times, the number of workers and their memory."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.capacity import Plan, plan_workers
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config
from ctest_containers.model import DatabaseGroup, Stress
from ctest_containers.project.suite import Batch
from ctest_containers.session.schedule import (
    Prediction,
    expected_seconds,
    longest_first,
    predict,
    split_long,
    worth_it,
)
from ctest_containers.timings import Timings
from ctest_containers.timings.model import PROCESS
from ctest_containers.workers.memory import MemoryWatch

LEAST_PROCESS_BYTES: Final = 512 * 2**20
"""A process is not replaced for using less than this, unless the user sets a limit."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What was decided before the first test.

    Attributes:
        expected: How long each batch is expected to take, in seconds, by its number.
        predictions: The prediction for each number of workers; empty if nothing is known.
    """

    batches: Sequence[Batch]
    workers: Plan
    expected: Mapping[int, float]
    predictions: Sequence[Prediction]


def plan_run(
    *,
    config: Config,
    asked: int | None,
    batches: Sequence[Batch],
    timings: Timings,
    groups: Iterable[DatabaseGroup],
    engine_bytes: int | None = None,
) -> RunPlan:
    """Decide on batches and workers, using the timings of past runs.

    Args:
        asked: The number of workers that the user asked for; None lets the machine decide.
        groups: The databases that the tests use.
        engine_bytes: The free memory of the engine's machine, if that is another one.
    """
    cores = os.cpu_count() or 1
    most = min(max(asked or cores, config.min_workers), config.max_workers)
    stress = config.stress
    if config.split_classes and stress is None:
        batches = split_long(batches, timings, most)
    expected = expected_seconds(batches, timings)
    measured = timings.worker_bytes(group.label for group in groups if group.has_server)
    predictions: Sequence[Prediction] = ()
    if batches and expected:
        seconds = [expected[batch.number] for batch in longest_first(batches, expected)]
        predictions = predict(seconds, most=most, cores=cores, worker_bytes=measured)
    workers = plan_workers(
        asked=asked,
        cores=cores,
        batches=len(batches) if stress is None else _repeated(len(batches), stress),
        available_bytes=available_bytes(),
        minimum=config.min_workers,
        maximum=config.max_workers,
        measured_bytes=measured,
        engine_bytes=engine_bytes,
        helpful=worth_it(predictions).workers if predictions and stress is None else None,
    )
    return RunPlan(batches, workers, expected, predictions)


def _repeated(batches: int, stress: Stress) -> int | None:
    """Return how many batches a stress run has; None if that is not known."""
    if stress.rounds is None and batches:
        return None
    return batches * (stress.rounds or 0)


def expected_of_rounds(plan: RunPlan, rounds: int) -> float:
    """Return how long the rounds of a stress run are expected to take; 0 if unknown."""
    at_once = min(plan.workers.workers, os.cpu_count() or 1)
    return sum(plan.expected.values()) * rounds / max(1, at_once)


def memory_watch(config: Config, plan: RunPlan, timings: Timings) -> MemoryWatch:
    """Return a watch of the memory during the run, with a limit for each worker's process."""
    available = available_bytes()
    limit = config.worker_max_memory
    if limit is None:
        measured = timings.memory.get(PROCESS)
        shares = [] if available is None else [available // max(1, plan.workers.workers)]
        known = [] if measured is None else [2 * measured.count]
        lowest = min([*shares, *known], default=None)
        limit = None if lowest is None else max(LEAST_PROCESS_BYTES, lowest)
    return MemoryWatch(
        available=available_bytes,
        floor_bytes=config.memory_floor,
        worker_bytes=plan.workers.worker_bytes,
        process_limit_bytes=limit,
    )
