"""Rounds that go through all ways in turn, each beginning with another one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

Result = TypeVar("Result")


def rotated(names: Sequence[str], number: int) -> list[str]:
    """The order of a round, counted from 0: nobody is always first, or always after the same."""
    first = number % len(names) if names else 0
    return [*names[first:], *names[:first]]


def interleaved(
    ways: Mapping[str, Callable[[], Result]], rounds: int, between: Callable[[], object]
) -> dict[str, list[Result]]:
    """What each way gave in each round.

    Args:
        between: Called before the first round and after each.
    """
    found: dict[str, list[Result]] = {name: [] for name in ways}
    between()
    for number in range(rounds):
        for name in rotated(list(ways), number):
            found[name].append(ways[name]())
        between()
    return found
