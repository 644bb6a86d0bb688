"""No limit is ever passed, and no test is left without a worker."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from ctest_containers.capacity import plan_workers
from ctest_containers.capacity.plan import BYTES_PER_WORKER

COUNTS = st.integers(min_value=1, max_value=300)


@given(
    asked=st.none() | COUNTS,
    cores=COUNTS,
    batches=st.integers(min_value=0, max_value=300),
    memory=st.none() | st.integers(min_value=0, max_value=2**40),
    maximum=COUNTS,
)
@example(asked=None, cores=4, batches=0, memory=None, maximum=16)
def test_a_plan_keeps_every_limit(
    asked: int | None, cores: int, batches: int, memory: int | None, maximum: int
) -> None:
    plan = plan_workers(
        asked=asked, cores=cores, batches=batches, available_bytes=memory, maximum=maximum
    )

    limits = [asked or cores, batches, maximum]
    if memory is not None:
        limits.append(max(1, memory // BYTES_PER_WORKER))
    assert plan.workers == min(limits)
    assert (plan.workers == 0) is (batches == 0)
    assert plan.reason


@given(asked=COUNTS, batches=COUNTS, memory=st.integers(min_value=0, max_value=2**40))
def test_more_memory_never_means_fewer_workers(asked: int, batches: int, memory: int) -> None:
    less, more = (
        plan_workers(asked=asked, cores=1, batches=batches, available_bytes=one, maximum=300)
        for one in (memory, memory + BYTES_PER_WORKER)
    )

    assert less.workers <= more.workers
