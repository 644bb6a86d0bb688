"""How many workers there are, and why."""

from __future__ import annotations

import sys

import psutil
import pytest

from ctest_containers.capacity import Plan, memory, plan_workers
from ctest_containers.capacity.memory import available_bytes

GIBIBYTE = 2**30


def _plan(
    *,
    asked: int | None = None,
    cores: int = 8,
    batches: int = 100,
    memory: int | None = None,
    minimum: int = 1,
    maximum: int = 16,
    measured: int | None = None,
) -> Plan:
    return plan_workers(
        asked=asked,
        cores=cores,
        batches=batches,
        available_bytes=memory,
        minimum=minimum,
        maximum=maximum,
        measured_bytes=measured,
    )


@pytest.mark.parametrize(
    ("plan", "workers", "reason"),
    [
        (_plan(cores=4), 4, "4 cores"),
        (_plan(cores=1), 1, "1 core"),
        (_plan(asked=6, cores=2), 6, "as many as requested"),
        (_plan(batches=3), 3, "3 batches of tests"),
        (_plan(batches=1), 1, "1 batch of tests"),
        (_plan(cores=64), 16, "the configured maximum"),
        (_plan(asked=64, maximum=5), 5, "the configured maximum"),
        (_plan(cores=1, minimum=2), 2, "the configured minimum"),
        (_plan(cores=1, minimum=4, maximum=3), 1, "1 core"),
        (_plan(asked=1, minimum=2), 1, "as many as requested"),
        (_plan(memory=5 * GIBIBYTE), 8, "8 cores"),
        (_plan(memory=3 * GIBIBYTE), 6, "3.0 GiB of memory available, 512 MiB for each worker"),
        (_plan(memory=GIBIBYTE), 2, "1.0 GiB of memory available, 512 MiB for each worker"),
        (
            _plan(memory=4 * GIBIBYTE, measured=GIBIBYTE),
            3,
            "4.0 GiB of memory available, 1.2 GiB for each worker as measured",
        ),
        (_plan(memory=4 * GIBIBYTE, measured=100 * 2**20), 8, "8 cores"),
        (_plan(memory=0, minimum=2), 1, "0 KiB of memory available, 512 MiB for each worker"),
        (_plan(batches=0, memory=0), 0, "0 batches of tests"),
    ],
)
def test_the_reason_names_what_decided(plan: Plan, workers: int, reason: str) -> None:
    assert plan == Plan(workers, reason)


def test_memory_that_cannot_be_known_does_not_count_and_is_told() -> None:
    plan = _plan(memory=None)

    assert plan.workers == 8
    assert plan.warnings == (
        "The available memory is unknown, so it does not limit the number of workers.",
    )


def test_with_little_memory_there_are_at_most_two_workers_and_the_figure_is_named() -> None:
    plan = _plan(memory=1900 * 2**20)

    assert plan.workers == 2
    assert plan.warnings == (
        "Only 1.9 GiB of memory is available, so there are at most 2 workers.",
    )


def test_with_enough_memory_nothing_is_warned_of() -> None:
    assert _plan(memory=2 * GIBIBYTE).warnings == ()


def test_every_limit_is_told_and_the_one_that_decided_comes_first() -> None:
    plan = _plan(cores=6, memory=8 * GIBIBYTE)

    assert [limit.workers for limit in plan.limits] == [6, 16, 16, 100]


@pytest.mark.parametrize("trouble", ["missing", "raising"])
def test_without_psutil_the_memory_is_what_the_control_groups_leave_or_unknown(
    trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trouble == "missing":
        monkeypatch.setitem(sys.modules, "psutil", None)
    else:
        monkeypatch.setattr(psutil, "virtual_memory", lambda: 1 / 0)
    monkeypatch.setattr(memory, "_left_to_groups", lambda: iter([]))

    assert available_bytes() is None


@pytest.mark.parametrize("asked", [-1, -8])
def test_a_number_that_makes_no_sense_still_leaves_a_worker_for_the_tests(asked: int) -> None:
    """`--parallel=-1` passes Django's command line, and a pool without workers never ends."""
    assert _plan(asked=asked).workers == 1


def test_this_machine_tells_how_much_memory_is_free() -> None:
    found = available_bytes()

    assert found is None or found > 0
