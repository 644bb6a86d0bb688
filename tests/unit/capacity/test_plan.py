"""How many workers there are, and why."""

from __future__ import annotations

import pytest

from ctest_containers.capacity import Plan, plan_workers
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.capacity.plan import BYTES_PER_WORKER


def _plan(
    *,
    asked: int | None = None,
    cores: int = 8,
    batches: int = 100,
    memory: int | None = None,
    maximum: int = 16,
) -> Plan:
    return plan_workers(
        asked=asked, cores=cores, batches=batches, available_bytes=memory, maximum=maximum
    )


@pytest.mark.parametrize(
    ("plan", "workers", "reason"),
    [
        (_plan(cores=4), 4, "4 cores"),
        (_plan(cores=1), 1, "1 core"),
        (_plan(asked=6, cores=2), 6, "as many as asked for"),
        (_plan(batches=3), 3, "3 batches of tests"),
        (_plan(batches=1), 1, "1 batch of tests"),
        (_plan(cores=64), 16, "the configured maximum"),
        (_plan(asked=64, maximum=5), 5, "the configured maximum"),
        (_plan(memory=2 * BYTES_PER_WORKER), 2, "1.0 GiB of memory available"),
        (_plan(memory=0), 1, "0 MiB of memory available"),
        (_plan(batches=0, memory=0), 0, "0 batches of tests"),
    ],
)
def test_the_reason_names_what_decided(plan: Plan, workers: int, reason: str) -> None:
    assert plan == Plan(workers, reason)


def test_memory_that_cannot_be_known_does_not_count() -> None:
    assert _plan(memory=None).workers == 8


@pytest.mark.parametrize("asked", [-1, -8])
def test_a_number_that_makes_no_sense_still_leaves_a_worker_for_the_tests(asked: int) -> None:
    """`--parallel=-1` passes Django's command line, and a pool without workers never ends."""
    assert _plan(asked=asked).workers == 1


def test_this_machine_tells_how_much_memory_is_free() -> None:
    found = available_bytes()

    assert found is None or found > 0
