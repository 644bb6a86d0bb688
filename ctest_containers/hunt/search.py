"""Finds a minimal set of tests that has an effect, with several trials at once.

This is the algorithm ddmin of A. Zeller and R. Hildebrandt, "Simplifying and Isolating
Failure-Inducing Input" (IEEE Transactions on Software Engineering 28(2), 2002), except that the
subsets of a round are tried at once: with w workers, each round divides the tests by w instead of
by 2.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

Subset = tuple[int, ...]
"""Some of the tests, as ascending indices."""

FirstWithEffect = Callable[[Sequence[Subset]], int | None]
"""Tries several subsets, if possible at once, and returns the position of one that has the effect.

It need not wait for the other trials. It returns None if no subset has the effect.
"""


def minimize(
    weights: Sequence[float],
    first_with_effect: FirstWithEffect,
    *,
    width: int,
    note: Callable[[Subset], None] = lambda _: None,
) -> Subset:
    """Return a 1-minimal subset of tests that has an effect: without any one of them, it has none.

    The set of all tests must have the effect, and the empty set must not. An effect need not be
    monotone; if it is, and one test has it alone, this takes about log(n) / log(width) rounds.

    Args:
        weights: How long each test takes; a set is divided into parts that take equally long.
        width: How many subsets can be tried at once.
        note: Called with each smaller subset that has the effect.
    """
    without_effect: set[Subset] = set()

    def reduced(subsets: Sequence[Subset]) -> Subset | None:
        new = [subset for subset in dict.fromkeys(subsets) if subset not in without_effect]
        position = first_with_effect(new) if new else None
        if position is None:
            without_effect.update(new)
            return None
        note(new[position])
        return new[position]

    current = tuple(range(len(weights)))
    first_parts = parts = max(2, width)
    while len(current) > 1:
        parts = min(parts, len(current))
        pieces = divide(current, weights, parts)
        if (part := reduced(pieces)) is not None:
            current, parts = part, first_parts
        elif (rest := reduced(complements(current, pieces))) is not None:
            current, parts = rest, max(2, parts - 1)
        elif parts == len(current):
            break
        else:
            parts *= 2
    return current


def divide(subset: Subset, weights: Sequence[float], parts: int) -> list[Subset]:
    """Divide a subset into consecutive parts that take about equally long; none is empty."""
    sums = list(itertools.accumulate(weights[index] for index in subset))
    total, start, pieces = sums[-1], 0, []
    for number in range(1, parts):
        # Each part still to come needs at least one test.
        latest = len(subset) - (parts - number)
        goal = total * number / parts
        end = start + 1
        while end < latest and sums[end - 1] + weights[subset[end]] / 2 < goal:
            end += 1
        pieces.append(subset[start:end])
        start = end
    return [*pieces, subset[start:]]


def complements(subset: Subset, pieces: Sequence[Subset]) -> list[Subset]:
    """Return what is left of a subset without each of its parts."""
    return [tuple(index for index in subset if index not in {*piece}) for piece in pieces]
