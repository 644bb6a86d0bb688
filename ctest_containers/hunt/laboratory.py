"""Runs sequences of a project's tests as trials."""

from __future__ import annotations

import bisect
import copy
import os
import unittest
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.errors import UsageError
from ctest_containers.hunt.rows import changed_rows
from ctest_containers.hunt.state import observer
from ctest_containers.hunt.state.facts import Change
from ctest_containers.hunt.trial import Result, Trial
from ctest_containers.hunt.trial_pool import TrialPool
from ctest_containers.model import Lease
from ctest_containers.project.databases import mirrors
from ctest_containers.project.suite import Batch, make_batches
from ctest_containers.report.output import WorkerOutput
from ctest_containers.session import Session
from ctest_containers.session.executor import pickled
from ctest_containers.session.starting import WorkerStarter
from ctest_containers.workers.process import WorkerProcess

PATIENCE_SECONDS: Final = 60.0
"""How long any trial may take."""

PATIENCE: Final = 5.0
"""How many times as long as expected a trial may take, in addition."""

MEAN_SECONDS: Final = 0.01
"""How long a test takes that no run has measured."""


class TimeUpError(Exception):
    """The time limit of a hunt is exceeded."""


class Laboratory:
    """The tests of a project, and workers that run sequences of them.

    Args:
        aliases: The databases that the tests use; each says whether to serialize its contents.
        first_trials: How many trials at most begin at once at first; None for as many as workers.
        limit_seconds: How long everything may take; None for no limit.
        tick: Called several times a second while trials run.

    Raises:
        UsageError: The configuration names a cluster.

    Attributes:
        tests: The tests by their ids, in Django's order.
        workers: How many trials run at once.
    """

    def __init__(
        self,
        session: Session,
        tests: Sequence[unittest.TestCase],
        aliases: Mapping[str, bool],
        *,
        first_trials: int | None = None,
        limit_seconds: float | None,
        tick: Callable[[], None],
    ) -> None:
        self.tests: dict[str, unittest.TestCase] = {}
        for test in tests:
            self.tests.setdefault(test.id(), test)
        if session.is_clustered:
            raise UsageError(
                "hunt runs on this machine, not on the nodes of a cluster.",
                "Remove --cluster, or set it to an empty string.",
            )
        context, worker_config = session.trials([name for name in aliases if aliases[name]])
        supply = context.supply
        batches = make_batches(tests, aliases, mirrors())
        context = replace(context, asked=context.asked or os.cpu_count())
        self.workers = workers = max(1, context.plan(batches, aliases).workers.workers)
        self._folder = context.folder
        self._scratch: Path = supply.host.folder()
        self._aliases = frozenset(aliases)
        self._timings = context.timings.past
        self._deadline = None if limit_seconds is None else Deadline(limit_seconds)
        self._observed = 0
        self._tick = tick
        is_spawned = context.setup.spawned
        sent: list[Sequence[Batch] | bytes] = []
        starter = WorkerStarter(
            worker_config,
            supply=supply,
            setup=context.setup,
            batches=lambda: sent[-1],
            output=WorkerOutput().keep_in(self._scratch),
        )

        def start(number: int, batches: Sequence[Batch], others: tuple[int, ...]) -> WorkerProcess:
            sent[:] = [pickled(batches) if is_spawned else batches]
            return starter.start(number, others)

        # Later trials start the servers that they need.
        needs = [batch.aliases for batch in batches if batch.aliases]
        supply.start(needs[:first_trials], workers)
        self._pool = TrialPool(
            workers=workers,
            supply=supply,
            start=start,
            limits=context.limits,
            tick=self._check_time,
        )

    @property
    def count(self) -> int:
        """How many trials have been started."""
        return self._pool.count

    def seconds_of(self, test_id: str) -> float:
        """Return how long a test is expected to take, in seconds; never 0."""
        known = self._timings.tests.get(test_id)
        return max(1e-4, MEAN_SECONDS if known is None else known.seconds)

    def run(
        self,
        sequences: Sequence[Sequence[str]],
        targets: Sequence[str],
        *,
        following: int | None = None,
    ) -> Generator[tuple[int, Result]]:
        """Run targets, each after a sequence of tests, several at once.

        Args:
            following: For how many later trials to start servers meanwhile; None for as many as
                run at once.

        Yields:
            The position of a sequence and the result of its target, as soon as it ends.

        Raises:
            TimeUpError: The time limit is exceeded.
            CtestError: The trials cannot be run.
        """
        trials = [
            self._trial([*sequence, target], target)
            for sequence, target in zip(sequences, targets, strict=True)
        ]
        following = self.workers if following is None else following
        with closing(self._pool.run(trials, following=following)) as results:
            yield from results

    def run_probed(
        self, sequences: Sequence[Sequence[Sequence[str]]], target: str
    ) -> Generator[tuple[int, int, Result]]:
        """Run a target after each part of sequences of tests, several sequences at once.

        A sequence ends as soon as the target fails.

        Yields:
            The position of a sequence, the number of the last part, and the target's result.
        """
        trials, probes = [], []
        for sequence in sequences:
            batches: list[Batch] = []
            ends: list[int] = []
            for part in sequence:
                batches += self._trial(part, target).batches
                # Each run needs a test of its own, because a test is emptied when it has run.
                batches += make_batches([copy.copy(self.tests[target])], self._aliases, mirrors())
                ends.append(len(batches) - 1)
            names = [name for part in sequence for name in part]
            trial = self._trial([*names, target], target)
            numbered = [replace(batch, number=number) for number, batch in enumerate(batches)]
            trials.append(replace(trial, batches=numbered))
            probes.append(ends)
        with closing(self._pool.run(trials, following=self.workers)) as results:
            for position, result in results:
                ends = probes[position]
                yield position, min(bisect.bisect_left(ends, result.batch), len(ends) - 1), result

    def observe(self, sequence: Sequence[str]) -> list[Change]:
        """Run a sequence of tests, and return what they leave behind."""
        self._observed += 1
        target = self._scratch / f"observed-{self._observed}"
        target.mkdir()
        rows: list[Change] = []

        def compare(new: Iterable[Lease], used: Iterable[Lease]) -> None:
            rows.extend(changed_rows(new, used, target, sequence))

        trial = self._trial(sequence, "")
        batches = observer.observed(trial.batches, self._aliases, self._folder, target)
        # A database that is lent later would look like a change.
        trial = replace(trial, batches=batches, aliases=self._aliases, at_end=compare)
        with closing(self._pool.run([trial], following=0)) as results:
            for _ in results:
                pass
        return [*rows, *observer.read(target)]

    def _trial(self, sequence: Sequence[str], target: str) -> Trial:
        tests = [self.tests[name] for name in sequence]
        batches = make_batches(tests, self._aliases, mirrors())
        seconds = self._timings.expected_seconds(sequence) or 0.0
        return Trial(
            batches=batches,
            aliases=frozenset(chain.from_iterable(batch.aliases for batch in batches)),
            target=target,
            limit_seconds=PATIENCE_SECONDS + PATIENCE * seconds,
        )

    def _check_time(self) -> None:
        self._tick()
        if self._deadline is not None and self._deadline.passed:
            raise TimeUpError
