"""How a run is cut up: its batches, what each will take, how many workers, what each may have."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.capacity import Plan, plan_workers
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config
from ctest_containers.model import DatabaseGroup
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
"""No worker is replaced for less than this, unless the user says so."""


@dataclass(frozen=True, slots=True)
class RunPlan:
    """What was decided before the first test.

    Attributes:
        expected: What each batch is expected to take, in seconds, by its number.
        predictions: What each number of workers would come to; empty where nothing is known.
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
    """Decide on batches and workers by what past runs have measured.

    Args:
        asked: The number of workers that the user asked for; None lets the machine decide.
        groups: The databases that the tests use.
        engine_bytes: Memory that is free where the engine runs, if that is another machine.
    """
    cores = os.cpu_count() or 1
    most = min(max(asked or cores, config.min_workers), config.max_workers)
    if config.split_classes:
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
        batches=len(batches),
        available_bytes=available_bytes(),
        minimum=config.min_workers,
        maximum=config.max_workers,
        measured_bytes=measured,
        engine_bytes=engine_bytes,
        helpful=worth_it(predictions).workers if predictions else None,
    )
    return RunPlan(batches, workers, expected, predictions)


def memory_watch(config: Config, plan: RunPlan, timings: Timings) -> MemoryWatch:
    """What minds the memory during the run: the configured floor, and a limit for each process."""
    available = available_bytes()
    limit = config.worker_max_memory
    if limit is None:
        measured = timings.memory.get(PROCESS)
        shares = [] if available is None else [available // max(1, plan.workers.workers)]
        known = [] if measured is None else [2 * measured.count]
        found = min([*shares, *known], default=None)
        limit = None if found is None else max(LEAST_PROCESS_BYTES, found)
    return MemoryWatch(
        available=available_bytes,
        floor_bytes=config.memory_floor,
        worker_bytes=plan.workers.worker_bytes,
        process_limit_bytes=limit,
    )
