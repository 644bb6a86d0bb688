"""The order in which ways take turns."""

from __future__ import annotations

import functools

from harness.bench.rounds import interleaved, rotated


def test_each_round_begins_with_another_way() -> None:
    orders = [rotated(["a", "b", "c"], number) for number in range(4)]

    assert orders == [["a", "b", "c"], ["b", "c", "a"], ["c", "a", "b"], ["a", "b", "c"]]


def test_nothing_is_rotated_where_there_is_nothing() -> None:
    assert rotated([], 3) == []


def test_every_round_goes_through_all_ways_with_a_look_at_the_machine_around_it() -> None:
    seen: list[str] = []

    def way(name: str) -> int:
        seen.append(name)
        return len(seen)

    found = interleaved(
        {name: functools.partial(way, name) for name in ("a", "b")},
        rounds=2,
        between=lambda: seen.append("-"),
    )

    assert seen == ["-", "a", "b", "-", "b", "a", "-"]
    assert found == {"a": [2, 6], "b": [3, 5]}
