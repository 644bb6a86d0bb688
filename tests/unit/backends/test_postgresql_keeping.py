"""In a copy of PostgreSQL's files, transactions that were running count as committed."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.backends.postgresql.keeping import PAGE_BYTES, PER_SEGMENT, Commit

RUNNING, COMMITTED, ABORTED = 0, 1, 2
FIRST_SEGMENT = "pg_xact/0000"


def _pages(states: Mapping[int, int], pages: int = 1) -> bytes:
    content = bytearray(pages * PAGE_BYTES)
    for transaction, state in states.items():
        content[transaction // 4] |= state << transaction % 4 * 2
    return bytes(content)


def _state(content: bytes, transaction: int) -> int:
    return content[transaction // 4] >> transaction % 4 * 2 & 3


@given(
    states=st.dictionaries(
        st.integers(0, 200), st.sampled_from([RUNNING, COMMITTED, ABORTED]), min_size=1
    ),
    first=st.integers(0, 200),
    count=st.integers(0, 200),
)
def test_only_running_transactions_of_the_range_are_committed(
    states: dict[int, int], first: int, count: int
) -> None:
    content = Commit(first, first + count)(FIRST_SEGMENT, _pages(states))

    for transaction in range(500):
        before = states.get(transaction, RUNNING)
        is_inside = first <= transaction < first + count
        expected = COMMITTED if before == RUNNING and is_inside else before
        assert _state(content, transaction) == expected


def test_a_page_that_is_not_written_yet_is_added() -> None:
    transaction = 4 * PAGE_BYTES + 5

    content = Commit(transaction, transaction + 1)(FIRST_SEGMENT, _pages({3: COMMITTED}))

    assert len(content) == 2 * PAGE_BYTES
    assert _state(content, transaction) == COMMITTED
    assert _state(content, 3) == COMMITTED


def test_each_segment_gets_its_own_transactions() -> None:
    commit = Commit(PER_SEGMENT - 1, PER_SEGMENT + 1)
    last_page = _pages({}, pages=32)

    first, second = commit(FIRST_SEGMENT, last_page), commit("pg_xact/0001", _pages({}))

    assert _state(first, PER_SEGMENT - 1) == COMMITTED
    assert _state(second, 0) == COMMITTED
    assert _state(second, 1) == RUNNING


def test_other_files_stay_as_they_are() -> None:
    assert Commit(0, 100)("pg_xact/notes", b"\0" * 10) == b"\0" * 10
    assert Commit(0, 100)("base/5/1259", b"\0" * 10) == b"\0" * 10
