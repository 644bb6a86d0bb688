"""The part of the tests that this job runs, if several jobs share them."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from ctest_containers.config import Config
from ctest_containers.events import ShardChosen
from ctest_containers.project.databases import mirrors
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.session.run_timings import RunTimings
from ctest_containers.session.schedule import expected_seconds, split_long
from ctest_containers.session.shards import choose


class Share:
    """Knows which tests this job runs, and when other jobs flush databases between them.

    Args:
        timings: What past runs have measured; read only if there are shards.
        report: Called with the choice.
    """

    def __init__(
        self,
        config: Config,
        timings: RunTimings,
        report: Callable[[ShardChosen], None],
    ) -> None:
        self._config = config
        self._timings = timings
        self._report = report
        # The indices of this job's tests among all tests, and of other jobs' flushes.
        self._indices: Sequence[int] = ()
        self._flushes_of_others: list[tuple[int, frozenset[str]]] = []

    def of(
        self, tests: Sequence[unittest.TestCase], only: Collection[str] | None = None
    ) -> Sequence[unittest.TestCase]:
        """Return the tests that this job runs.

        Args:
            only: The ids of the tests that any job runs; None if they run all. All jobs divide the
                same tests, whichever of them they run.
        """

        def runs(test: unittest.TestCase) -> bool:
            return only is None or test.id() in only

        shard = self._config.shard
        if shard is None:
            return tests if only is None else [test for test in tests if runs(test)]
        from django.db import connections

        batches: Sequence[Batch] = make_batches(tests, list(connections), mirrors())
        timings = self._timings.past
        if self._config.split_classes:
            batches = split_long(batches, timings, shard.of)
        chosen, choice = choose(batches, expected_seconds(batches, timings), shard)
        mine = [
            (index, test)
            for batch in chosen
            for index, test in zip(batch.indices, batch.tests, strict=True)
            if runs(test)
        ]
        places = tuple(index for index, _ in mine)
        self._report(replace(choice, places=places, total=sum(map(runs, tests))))
        own = {batch.number for batch in chosen}
        self._indices = places
        self._flushes_of_others = [
            (batch.first, batch.flushes)
            for batch in batches
            if batch.number not in own and any(map(runs, batch.tests))
        ]
        return [test for _, test in mine]

    def flushes_elsewhere(self, batches: Sequence[Batch]) -> Iterator[tuple[float, frozenset[str]]]:
        """Yield where, between this job's batches, other jobs flush databases, and which."""
        for index, aliases in self._flushes_of_others:
            before = sum(self._indices[batch.first] < index for batch in batches)
            yield before - 0.5, aliases
