"""Finds out on which other tests the outcome of a test depends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from ctest_containers.hunt.finding import Finding, Verdict
from ctest_containers.hunt.guess import Guess
from ctest_containers.hunt.laboratory import Laboratory, TimeUpError
from ctest_containers.hunt.order import Failure, Recorded
from ctest_containers.hunt.search import Subset, minimize
from ctest_containers.hunt.trial import Ending, Result
from ctest_containers.originals import ORIGINALS
from ctest_containers.text import plural

REPLAYS: Final = 5
"""How often an order is replayed before its failure counts as not reproducible."""

LEAST_GUESSED: Final = 16
"""A shorter order is searched without guessing."""

CRASHES: Final = 5
"""How many tests that end the process are left out of an order."""


class View(Protocol):
    """Shows the progress of a hunt."""

    def begin(self, test: str) -> None:
        """Show that the hunt of a test begins."""

    def step(self, text: str, *, left: int = 0) -> None:
        """Show what the hunt does next, and how many tests are left to search."""


@dataclass(frozen=True, slots=True)
class Order:
    """Tests to run before a target.

    Attributes:
        name: What it is, in words that follow "after".
    """

    tests: tuple[str, ...]
    name: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What a trial must show to count.

    Attributes:
        failure: How its target must fail; None if it must pass.
    """

    failure: Failure | None

    def is_in(self, result: Result) -> bool:
        """Return whether a trial shows it."""
        if self.failure is None:
            return result.ending is Ending.PASSED
        return result.ending is Ending.FAILED and result.failure == self.failure


class Hunt:
    """The hunt of one test.

    Args:
        past: What the last run has recorded of the test; None if it did not run.
        alone: Its result alone; None if it is yet to be run alone.
    """

    def __init__(
        self,
        laboratory: Laboratory,
        target: str,
        past: Recorded | None,
        view: View,
        *,
        alone: Result | None = None,
    ) -> None:
        self._laboratory = laboratory
        self._target = target
        self._past = past
        self._view = view
        self._alone = alone
        self._began = ORIGINALS.monotonic()
        self._trials_before = laboratory.count
        self._finding = Finding(test=target, verdict=Verdict.TIME_UP)

    def find(self) -> Finding:
        """Hunt, until something is found or the time limit is exceeded."""
        self._view.begin(self._target)
        with suppress(TimeUpError):
            self._hunt()
        return self.so_far()

    def so_far(self) -> Finding:
        """Return what has been found so far."""
        return replace(
            self._finding,
            trials=self._laboratory.count - self._trials_before,
            seconds=round(ORIGINALS.monotonic() - self._began, 3),
        )

    def _hunt(self) -> None:
        orders = self._orders()
        alone, failed, count = self._alone, 0, 1
        expected = None if self._past is None else self._past.failure
        for order in orders:
            also = "alone, and " if alone is None else ""
            tests = plural(len(order.tests), "test")
            self._view.step(f"Running it {also}after {tests} ({order.name})")
            tried, alone, replay = self._try(order, alone)
            tried, replay = self._without_crashes(tried, replay)
            self._finding = replace(self._finding, order=order.name)
            if self._conclude(tried, alone, replay, is_last=order is orders[-1]):
                return
            if order is orders[0] and expected is not None and replay.ending is Ending.PASSED:
                failed, count = self._replay(tried, expected), REPLAYS
            if failed:
                break
        self._finding = replace(
            self._finding,
            verdict=Verdict.PASSES if expected is None else Verdict.NOT_REPRODUCIBLE,
            failure=expected,
            order=" and ".join(order.name for order in orders),
            failed=failed,
            replays=count,
            note="",
        )

    def _orders(self) -> list[Order]:
        """Return the orders to replay, the likeliest one first."""
        serial = list(self._laboratory.tests)
        before = tuple(serial[: serial.index(self._target)])
        orders = [Order(before, "the tests before it in Django's order")]
        if self._past is not None and self._past.position:
            known = [name for name in self._past.before if name in self._laboratory.tests]
            name = f"what its worker had run before it in run {self._past.run}"
            orders.insert(0, Order(tuple(dict.fromkeys(known)), name))
        return orders

    def _try(self, order: Order, alone: Result | None) -> tuple[Order, Result, Result]:
        """Run the target alone, and after an order.

        Returns:
            The order, or the only test of it that is the cause, and the results alone and after
            that.
        """
        if len(order.tests) >= LEAST_GUESSED:
            guess = Guess(self._laboratory, self._target, alone, self._says_enough)
            guess.make(order.tests)
            alone = guess.alone
            if guess.cause and alone is not None and guess.confirmation is not None:
                return replace(order, tests=(guess.cause,)), alone, guess.confirmation
            self._view.step("No single test was found at once; running all of them")
        sequences = [order.tests, ()] if alone is None else [order.tests]
        replay, *rest = self._run(sequences)
        return order, alone or rest[0], replay

    def _says_enough(self, alone: Result, result: Result) -> bool:
        """Return whether a result makes it unnecessary to replay all of an order."""
        expected = None if self._past is None else self._past.failure
        if alone.ending is not Ending.PASSED or result.failure is None:
            return False
        return expected is None or result.failure == expected

    def _weights(self, order: Order) -> list[float]:
        return [self._laboratory.seconds_of(name) for name in order.tests]

    def _without_crashes(self, order: Order, replay: Result) -> tuple[Order, Result]:
        """Leave out tests that end the process, after which a run would go on in another one."""
        for _ in range(CRASHES):
            if replay.ending is not Ending.NOT_REACHED or replay.ended_by not in order.tests:
                break
            tests = tuple(name for name in order.tests if name != replay.ended_by)
            self._view.step(f"Leaving out {replay.ended_by}: {replay.cause.splitlines()[0]}")
            order = replace(order, tests=tests)
            (replay,) = self._run([tests])
        return order, replay

    def _conclude(self, order: Order, alone: Result, replay: Result, *, is_last: bool) -> bool:
        """Find what the difference between two results is due to.

        Returns:
            Whether the hunt is over; False if the next order, or another replay, may tell more.
        """
        unreached = alone if alone.ending is Ending.NOT_REACHED else replay
        if unreached.ending is Ending.NOT_REACHED:
            self._finding = replace(
                self._finding, verdict=Verdict.NOT_REACHED, note=f"The reason: {unreached.cause}."
            )
            return is_last or unreached is alone
        if replay.failure is not None and replay.failure != alone.failure:
            expected = None if self._past is None else self._past.failure
            note = ""
            if expected is not None and replay.failure != expected:
                note = f"In the run that was replayed, it failed differently: {expected}"
            elif alone.failure is not None:
                note = f"Alone, it fails differently: {alone.failure}"
            self._search(order, Effect(replay.failure), replay.failure, note)
            return True
        if replay.failure is not None:
            self._finding = replace(
                self._finding, verdict=Verdict.FAILS_ALONE, failure=replay.failure
            )
            # In another order, tests may come before it that it needs.
            return is_last
        if alone.failure is not None:
            self._search(order, Effect(None), alone.failure, "")
            return True
        return False

    def _run(self, sequences: Sequence[Sequence[str]]) -> list[Result]:
        """Run the target after each of these sequences."""
        results = dict(self._laboratory.run(sequences, [self._target] * len(sequences)))
        return [results[position] for position in range(len(sequences))]

    def _replay(self, order: Order, expected: Failure) -> int:
        """Replay an order that has passed, and return how often the target fails."""
        again = REPLAYS - 1
        self._view.step(f"It passed; replaying the same order {again} more times")
        results = self._run([order.tests] * again)
        return sum(result.failure == expected for result in results)

    def _search(self, order: Order, effect: Effect, failure: Failure | None, note: str) -> None:
        fails = effect.failure is not None
        verdict = Verdict.FAILS_AFTER_OTHERS if fails else Verdict.PASSES_AFTER_OTHERS
        self._finding = replace(
            self._finding, verdict=verdict, failure=failure, others=order.tests, note=note
        )
        what = f"{'fails' if fails else 'passes'} after {len(order.tests)} of them"
        self._view.step(f"It {what}; searching for the smallest set", left=len(order.tests))
        laboratory, target, tests = self._laboratory, self._target, order.tests

        def named(subset: Subset) -> tuple[str, ...]:
            return tuple(tests[index] for index in subset)

        def first_with_effect(subsets: Sequence[Subset]) -> int | None:
            targets = [target] * len(subsets)
            with closing(laboratory.run([*map(named, subsets)], targets)) as results:
                with_effect = (position for position, result in results if effect.is_in(result))
                return next(with_effect, None)

        def note_smaller(subset: Subset) -> None:
            self._finding = replace(self._finding, others=named(subset))
            self._view.step(f"{plural(len(subset), 'test')} left", left=len(subset))

        smallest = minimize(
            self._weights(order),
            first_with_effect,
            width=laboratory.workers,
            note=note_smaller,
        )
        others = named(smallest)
        self._finding = replace(self._finding, others=others, is_minimal=True)
        self._view.step(f"Looking for what {'it' if len(others) == 1 else 'they'} left behind")
        self._finding = replace(self._finding, changes=tuple(laboratory.observe(others)))


def hunt_failures(
    laboratory: Laboratory, last: Mapping[str, Recorded], view: View
) -> Iterator[Finding]:
    """Hunt the failures of a run that pass alone, and yield what is found of each failure.

    Those that fail alone come first.
    """
    failed = [
        name for name, past in last.items() if past.failure is not None and name in laboratory.tests
    ]
    view.begin(plural(len(failed), "failure"))
    view.step("Running each of them alone")
    alone: dict[str, Result] = {}
    with suppress(TimeUpError):
        for position, result in laboratory.run([()] * len(failed), failed):
            alone[failed[position]] = result
            if result.failure is not None:
                yield Finding(
                    test=failed[position],
                    verdict=Verdict.FAILS_ALONE,
                    failure=result.failure,
                    trials=1,
                    seconds=round(result.seconds, 3),
                )
    for name in failed:
        if name not in alone or alone[name].failure is None:
            yield Hunt(laboratory, name, last[name], view, alone=alone.get(name)).find()
