"""Batches of tests that are never run."""

from __future__ import annotations

import unittest
from collections.abc import Iterable

from ctest_containers.project.suite import Batch


class Case(unittest.TestCase):
    """A test that is never run."""

    def runTest(self) -> None:  # noqa: N802  # unittest's name
        """Give the test its name."""


def batches_of(sizes: Iterable[int], aliases: Iterable[str] = ()) -> list[Batch]:
    """Batches of so many tests each, one behind the other."""
    batches: list[Batch] = []
    first = 0
    for number, size in enumerate(sizes):
        tests: list[unittest.TestCase] = [Case() for _ in range(size)]
        batch = Batch(number=number, first=first, tests=tests, aliases=frozenset(aliases))
        batches.append(batch)
        first += size
    return batches
