"""As many templates are built at the same time as cores and memory allow."""

from __future__ import annotations

import pytest

from ctest_containers.capacity.plan import BYTES_PER_WORKER
from ctest_containers.session.builders import most_builders


@pytest.mark.parametrize(
    ("cores", "free", "most"),
    [
        (4, [None, None], 4),
        (4, [3 * BYTES_PER_WORKER, None], 3),
        (4, [3 * BYTES_PER_WORKER, 2 * BYTES_PER_WORKER], 2),
        (1, [9 * BYTES_PER_WORKER, None], 1),
        (4, [1, None], 1),
        (4, [0, None], 1),
    ],
)
def test_cores_and_memory_decide(cores: int, free: list[int | None], most: int) -> None:
    assert most_builders(cores, free) == most
