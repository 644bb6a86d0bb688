"""The suite that Django's runner runs, whose tests run in workers."""

from __future__ import annotations

import unittest
from collections.abc import Mapping, Sequence
from typing import Any

from django.test.runner import DiscoverRunner, ParallelTestSuite, Shuffler, reorder_tests

from ctest_containers.project.interrupts import was_interrupted
from ctest_containers.session.run import Session
from ctest_containers.session.stress import Shuffle


class IsolatedTestSuite(ParallelTestSuite):
    """A suite whose tests run in workers, each against its own databases.

    As on its own parallel suite, Django sets `process_setup` on this class.
    """

    # Django's `run_tests` sets both before the suite runs.
    serialized_aliases: set[str] | None = None
    used_aliases: set[str] | None = None

    def __init__(
        self,
        tests: Sequence[unittest.TestCase],
        runner: DiscoverRunner,
        session: Session,
        *,
        is_live: bool,
    ) -> None:
        super().__init__([unittest.TestSuite(tests)], 1)
        self._all_tests = tests
        self._runner = runner
        self._session = session
        self._is_live = is_live

    def run(self, result: Any, debug: bool = False) -> Any:  # noqa: ARG002, FBT001, FBT002  # unittest's
        """Run every test in a worker, and report to the result."""
        runner: Any = self._runner
        seed = runner.shuffle_seed
        if self._is_live:
            # The live display replaces the dots.
            result.dots = result.showAll = False
        self._session.run(
            self._all_tests,
            result,
            aliases=self.used_aliases or (),
            serialized=self.serialized_aliases or (),
            failfast=runner.failfast,
            buffer=runner.buffer,
            debug_sql=runner.debug_sql,
            reorder=not runner.reverse and runner.shuffle is False,
            interrupted=was_interrupted,
            shuffle=None if seed is None else Shuffle(seed, self._shuffled),
        )
        session = self._session
        if session.flaky:
            _print_flaky(result, session.flaky)
        if session.failure is not None or session.flaky_failures:
            # Django must not print OK if tests were not run, or must not be flaky.
            result.wasSuccessful = lambda: False
        return result

    def _shuffled(self, tests: Sequence[unittest.TestCase], seed: int) -> list[unittest.TestCase]:
        """Return tests in the order that `--shuffle` gives them with a seed."""
        runner: Any = self._runner
        failed = unittest.loader._FailedTest  # type: ignore[attr-defined]  # not public
        return list(
            reorder_tests(
                tests,
                (failed, *runner.reorder_by),
                shuffler=Shuffler(seed),
                reverse=runner.reverse,
            )
        )


def _print_flaky(result: Any, flaky: Mapping[str, str]) -> None:
    """Let a result print the first failures of flaky tests after those of failed tests."""
    print_errors = getattr(result, "printErrors", None)
    stream = getattr(result, "stream", None)
    if print_errors is None or stream is None:
        return
    result_type: Any = unittest.TextTestResult

    def print_all() -> None:
        print_errors()
        for name, text in flaky.items():
            lines = (result_type.separator1, f"FLAKY: {name}", result_type.separator2, text)
            stream.write("".join(f"{line}\n" for line in lines))
        stream.flush()

    result.printErrors = print_all
