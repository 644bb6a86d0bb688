"""Runs failed tests again, each alone in a new process on new servers."""

from __future__ import annotations

import unittest
from collections import deque
from collections.abc import Callable, Collection, Iterator

from ctest_containers.events import Event, RerunsEnded, RerunStarted
from ctest_containers.names import class_of
from ctest_containers.project.suite import Batch
from ctest_containers.wire import RunBatch
from ctest_containers.workers.batch_progress import AFTER, Rerun, Work, owned_by
from ctest_containers.workers.worker_state import BatchState, WorkerState


class Reruns:
    """The tests that wait to run again, and what their attempts have come to.

    Args:
        attempts: How often a test runs at most; with 1, nothing runs again.
        report: Called with the events of reruns.
    """

    def __init__(self, attempts: int, report: Callable[[Event], None]) -> None:
        self._attempts = attempts
        self._report = report
        self._waiting: deque[Work] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, work: Work) -> None:
        """Let the failed tests and fixtures of a batch that has ended run again."""
        if self._attempts < 2:
            return
        for rerun in _reruns_of(work):
            self._go_on(rerun)

    def ended(self, work: Work) -> None:
        """Note that an attempt has ended."""
        assert work.rerun is not None
        work.rerun.add(work)
        self._go_on(work.rerun)

    def _go_on(self, rerun: Rerun) -> None:
        """Let tests run again, or report that they do not."""
        if rerun.is_open and rerun.attempts < self._attempts and not _is_hopeless(rerun):
            others = set(rerun.batch.indices).difference(rerun.indices)
            # The rest of their time limits belongs to those that run for the first time.
            full = set(rerun.indices)
            self._waiting.append(Work(rerun.batch, ended=others, full=full, rerun=rerun))
            return
        passed, failed = rerun.passed, rerun.failed
        fixtures, passed_fixtures = rerun.failed_fixtures, rerun.passed_fixtures
        self._report(
            RerunsEnded(
                attempts=rerun.attempts,
                indices=rerun.indices,
                flaky=(
                    *(name for name in fixtures if name in passed_fixtures),
                    *map(rerun.name_of, sorted(failed & passed)),
                ),
                failed=(
                    *(name for name in fixtures if name not in passed_fixtures),
                    *map(rerun.name_of, sorted(failed - passed)),
                ),
            )
        )

    def take(self, busy: Collection[str]) -> Work | None:
        """Remove and return what runs again next; None if nothing can at the moment.

        Args:
            busy: The names of what running batches use exclusively.
        """
        for work in self._waiting:
            if work.batch.exclusive.isdisjoint(busy):
                self._waiting.remove(work)
                return work
        return None

    def put_back(self, work: Work) -> None:
        """Add what a worker could not run, or the rest of it, as the first to run again."""
        self._waiting.appendleft(work)

    def begin(self, worker: WorkerState, work: Work) -> RunBatch:
        """Assign an attempt to a worker, and return the command that starts it."""
        rerun = work.rerun
        assert worker.state is not None
        assert rerun is not None
        worker.state.batch = BatchState(work)
        self._report(
            RerunStarted(
                worker=worker.number,
                attempt=rerun.attempts + 1,
                attempts=self._attempts,
                indices=tuple(work.left),
                tests=tuple(map(rerun.name_of, work.left)),
                fixtures=tuple(rerun.failed_fixtures),
            )
        )
        return RunBatch(
            batch=work.batch.number,
            skip=tuple(sorted(work.ended)),
            full=tuple(sorted(work.full)),
        )


def _reruns_of(work: Work) -> Iterator[Rerun]:
    """Yield what failed in a batch: each test alone, but with a fixture all of its tests."""
    groups: dict[tuple[int, ...], dict[str, None]] = {}
    for fixture in work.failed_fixtures:
        groups.setdefault(_tests_of(fixture, work.batch), {})[fixture] = None
    if work.blocked:
        groups.setdefault(tuple(sorted(work.blocked)), {})
    covered: set[int] = set()
    # The tests of a module include those of its classes.
    for indices in sorted(groups, key=len, reverse=True):
        if covered.issuperset(indices):
            continue
        covered.update(indices)
        fixtures = [names for other, names in groups.items() if set(indices).issuperset(other)]
        yield _rerun(work, indices, dict.fromkeys(name for names in fixtures for name in names))
    for index in sorted(work.failed - covered):
        yield _rerun(work, (index,), {})


def _rerun(work: Work, indices: tuple[int, ...], fixtures: dict[str, None]) -> Rerun:
    return Rerun(
        work.batch,
        indices,
        attempts=1,
        failed=work.failed.intersection(indices),
        passed=(work.passed - work.failed).intersection(indices),
        failed_fixtures=fixtures,
        passed_fixtures=work.passed_fixtures,
    )


def _tests_of(fixture: str, batch: Batch) -> tuple[int, ...]:
    if fixture.startswith(AFTER):
        fixture = f"({class_of(fixture.removeprefix(AFTER))})"
    return tuple(owned_by(fixture, batch) or batch.indices)


def _is_hopeless(rerun: Rerun) -> bool:
    """Return whether tests stand for a module that cannot be imported, which stays so."""
    failed_test: type = unittest.loader._FailedTest  # type: ignore[attr-defined]  # not public
    return all(isinstance(test, failed_test) for test in rerun.batch.tests)
