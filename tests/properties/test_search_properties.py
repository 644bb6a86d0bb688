"""A search finds a 1-minimal set of tests, whatever the effect, and whichever trial ends first."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.hunt.search import Subset, complements, divide, minimize


@dataclass
class Trials:
    """Tries subsets at once; which of those with the effect ends first is random."""

    has_effect: Callable[[Subset], bool]
    chance: random.Random
    width: int = 4
    rounds: int = 0
    tried: list[Subset] = field(default_factory=list)

    def first(self, subsets: Sequence[Subset]) -> int | None:
        """Return the position of a subset that has the effect."""
        self.rounds += math.ceil(len(subsets) / self.width)
        self.tried += subsets
        with_effect = [number for number, subset in enumerate(subsets) if self.has_effect(subset)]
        return self.chance.choice(with_effect) if with_effect else None


WEIGHTS = st.lists(st.floats(1e-4, 10.0), min_size=1, max_size=60)


def _search(weights: Sequence[float], trials: Trials) -> Subset:
    return minimize(weights, trials.first, width=trials.width)


def _is_1_minimal(subset: Subset, has_effect: Callable[[Subset], bool]) -> bool:
    without_one = (subset[:index] + subset[index + 1 :] for index in range(len(subset)))
    return has_effect(subset) and not any(rest and has_effect(rest) for rest in without_one)


@given(WEIGHTS, st.randoms(use_true_random=False), st.integers(1, 6), st.data())
def test_a_monotone_effect_gives_one_of_its_minimal_sets(
    weights: list[float], chance: random.Random, width: int, data: st.DataObject
) -> None:
    indices = st.integers(0, len(weights) - 1)
    causes = data.draw(st.lists(st.frozensets(indices, min_size=1, max_size=4), min_size=1))
    trials = Trials(lambda subset: any(cause <= {*subset} for cause in causes), chance, width)

    smallest = _search(weights, trials)

    assert frozenset(smallest) in causes
    assert not any(cause < {*smallest} for cause in causes)


@given(WEIGHTS, st.randoms(use_true_random=False), st.integers(1, 6), st.integers())
def test_any_effect_gives_a_set_of_which_every_test_is_needed(
    weights: list[float], chance: random.Random, width: int, seed: int
) -> None:
    everything = tuple(range(len(weights)))
    decided: dict[Subset, bool] = {everything: True}

    def has_effect(subset: Subset) -> bool:
        return decided.setdefault(subset, random.Random(f"{seed} {subset}").random() < 0.3)

    smallest = _search(weights, Trials(has_effect, chance, width))

    assert _is_1_minimal(smallest, has_effect)


@given(st.integers(2, 3000), st.integers(2, 8), st.data())
def test_one_cause_takes_a_logarithmic_number_of_rounds(
    count: int, width: int, data: st.DataObject
) -> None:
    cause = data.draw(st.integers(0, count - 1))
    trials = Trials(lambda subset: cause in subset, random.Random(1), width)

    assert _search([1.0] * count, trials) == (cause,)
    # Parts are of equal size up to one test, so each of the few last rounds may need one more.
    assert trials.rounds <= math.log(count) / math.log(width) + 3


@given(WEIGHTS, st.integers(1, 6), st.integers())
def test_nothing_is_tried_twice(weights: list[float], width: int, seed: int) -> None:
    def has_effect(subset: Subset) -> bool:
        return random.Random(f"{seed} {subset}").random() < 0.2

    trials = Trials(has_effect, random.Random(1), width)

    _search(weights, trials)

    without = [subset for subset in trials.tried if not has_effect(subset)]
    assert len(without) == len({*without})


@given(WEIGHTS, st.data())
def test_parts_are_consecutive_complete_and_not_empty(
    weights: list[float], data: st.DataObject
) -> None:
    subset = tuple(range(len(weights)))
    parts = data.draw(st.integers(1, len(weights)))

    pieces = divide(subset, weights, parts)

    assert len(pieces) == parts
    assert all(pieces)
    assert tuple(itertools.chain.from_iterable(pieces)) == subset
    rests = complements(subset, pieces)
    assert [sorted(piece + rest) for piece, rest in zip(pieces, rests, strict=True)] == [
        list(subset)
    ] * parts


def test_parts_take_equally_long() -> None:
    weights = [10.0, *[1.0] * 10]

    assert divide(tuple(range(11)), weights, 2) == [(0,), tuple(range(1, 11))]
