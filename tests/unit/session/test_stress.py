"""The rounds of a stress run, and their orders."""

from __future__ import annotations

from collections.abc import Sequence
from unittest import TestCase

import pytest
from django.test.runner import Shuffler

from ctest_containers.model import Stress
from ctest_containers.options.values import parse_stress
from ctest_containers.session.stress import Shuffle, StressRun
from ctest_containers.timings import Timings
from ctest_containers.workers.batch_choice import BatchChoice


class Case(TestCase):
    """Tests that are never run here."""

    def test_a(self) -> None: ...
    def test_b(self) -> None: ...
    def test_c(self) -> None: ...
    def test_d(self) -> None: ...


CASES: list[TestCase] = [Case(name) for name in ("test_a", "test_b", "test_c", "test_d")]


def _shuffled(tests: Sequence[TestCase], seed: int) -> list[TestCase]:
    return Shuffler(seed).shuffle(tests, key=lambda test: test.id())


def _stress(stress: Stress, seed: int = 7) -> StressRun:
    run = StressRun(
        stress,
        CASES,
        repeated=CASES,
        shuffle=Shuffle(seed, _shuffled),
        aliases=(),
        report=lambda _: None,
    )
    run.begin(Timings(), {}, ())
    return run


def _order(choice: BatchChoice | None) -> list[TestCase]:
    assert choice is not None
    return [test for work in choice.queue for test in work.batch.tests]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1", Stress(rounds=1)),
        (100, Stress(rounds=100)),
        ("30s", Stress(seconds=30)),
        ("10m", Stress(seconds=600)),
        ("1.5h", Stress(seconds=5400)),
    ],
)
def test_a_number_is_of_rounds_and_a_unit_makes_it_a_duration(
    value: object, expected: Stress
) -> None:
    assert parse_stress(value) == expected


@pytest.mark.parametrize("value", ["0", "x", "-1", "1.5", "0s", "", "10 m", "m"])
def test_other_values_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match="such as 100, or a duration, such as 30s or 10m"):
        parse_stress(value)


def test_each_round_has_the_order_of_its_own_seed() -> None:
    run = _stress(Stress(rounds=20))

    orders = [_order(run.next_round()) for _ in range(20)]

    assert orders == [_shuffled(CASES, 7 + number) for number in range(20)]
    assert len({tuple(map(id, order)) for order in orders}) > 10


def test_the_seed_of_a_round_repeats_it() -> None:
    run = _stress(Stress(rounds=5))
    orders = [_order(run.next_round()) for _ in range(5)]

    again = _stress(Stress(rounds=1), seed=run.seed_of(4))

    assert _order(again.next_round()) == orders[3]


def test_there_are_as_many_rounds_as_asked_for() -> None:
    run = _stress(Stress(rounds=3))

    rounds = [run.next_round() for _ in range(4)]

    assert [None if choice is None else choice.round_number for choice in rounds] == [1, 2, 3, None]


def test_what_is_kept_of_a_round_is_forgotten_when_it_ends() -> None:
    run = _stress(Stress(seconds=60))
    for number in range(1, 100):
        run.next_round()
        run.ended(number)

    assert run.batches == []
    assert run.summary().rounds == 99


def test_a_duration_is_over_when_its_time_is() -> None:
    assert _stress(Stress(seconds=1e-9)).is_over
    assert not _stress(Stress(seconds=60)).is_over
    assert not _stress(Stress(rounds=1)).is_over
