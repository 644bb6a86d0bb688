"""No limit is ever passed, and no test is left without a worker."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from ctest_containers.capacity import plan_workers
from ctest_containers.capacity.plan import BYTES_PER_WORKER, LITTLE_BYTES

COUNTS = st.integers(min_value=1, max_value=300)


@given(
    asked=st.none() | COUNTS,
    cores=COUNTS,
    batches=st.integers(min_value=0, max_value=300),
    memory=st.none() | st.integers(min_value=0, max_value=2**40),
    minimum=COUNTS,
    maximum=COUNTS,
)
@example(asked=None, cores=4, batches=0, memory=None, minimum=2, maximum=16)
def test_a_plan_keeps_every_limit(  # What hypothesis draws.
    asked: int | None, cores: int, batches: int, memory: int | None, minimum: int, maximum: int
) -> None:
    plan = plan_workers(
        asked=asked,
        cores=cores,
        batches=batches,
        available_bytes=memory,
        minimum=minimum,
        maximum=maximum,
    )

    enough = max(cores, minimum) if minimum <= maximum else cores
    limits = [asked or enough, batches, maximum]
    if memory is not None:
        limits.append(max(1, memory // BYTES_PER_WORKER))
        if memory < LITTLE_BYTES:
            limits.append(2)
    assert plan.workers == min(limits)
    assert (plan.workers == 0) is (batches == 0)
    assert plan.reason


@given(asked=COUNTS, batches=COUNTS, memory=st.integers(min_value=0, max_value=2**40))
def test_more_memory_never_means_fewer_workers(asked: int, batches: int, memory: int) -> None:
    less, more = (
        plan_workers(
            asked=asked, cores=1, batches=batches, available_bytes=one, minimum=1, maximum=300
        )
        for one in (memory, memory + BYTES_PER_WORKER)
    )

    assert less.workers <= more.workers
