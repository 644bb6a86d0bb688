"""Parts a suite into batches: tests that must stay together, in the order Django gave them."""

from __future__ import annotations

import itertools
import sys
import unittest
from collections.abc import Iterable
from dataclasses import dataclass

MODULE_FIXTURES = ("setUpModule", "tearDownModule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Tests that run one after another in one worker.

    Attributes:
        first: The place of its first test in the run; the others follow.
        aliases: The databases that its tests may use.
    """

    number: int
    first: int
    tests: list[unittest.TestCase]
    aliases: frozenset[str]

    @property
    def indices(self) -> range:
        """The places of its tests in the run."""
        return range(self.first, self.first + len(self.tests))


def make_batches(tests: Iterable[unittest.TestCase], every_alias: Iterable[str]) -> list[Batch]:
    """The batches of a run.

    A batch is one class, as in Django's own parallel runner. Where the module of a class has
    fixtures of its own, its neighbouring classes stay together, so that `setUpModule` runs as
    often as it does in a serial run.

    Args:
        every_alias: What `databases = "__all__"` stands for.
    """
    batches: list[Batch] = []
    first = 0
    for _, group in itertools.groupby(tests, _key):
        together = list(group)
        aliases: set[str] = set()
        for test in together:
            declared = getattr(test, "databases", None) or ()
            aliases.update(every_alias if declared == "__all__" else declared)
        batches.append(
            Batch(number=len(batches), first=first, tests=together, aliases=frozenset(aliases))
        )
        first += len(together)
    return batches


def _key(test: unittest.TestCase) -> object:
    module = sys.modules.get(type(test).__module__)
    if any(hasattr(module, name) for name in MODULE_FIXTURES):
        return module
    return type(test)
