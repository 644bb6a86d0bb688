"""Accounts for the tests of workers that ended unexpectedly."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable
from typing import Final

from ctest_containers.capacity.memory import kills_for_memory
from ctest_containers.errors import WorkerError
from ctest_containers.events import Event, TestFinished, TestRetried, TestStarted, WorkerLost
from ctest_containers.workers.batch_progress import (
    AFTER,
    Work,
    cause_of,
    error_of_lost,
    tests_of,
)
from ctest_containers.workers.supplier import Supplier
from ctest_containers.workers.worker_state import BatchState, ProcessState, WorkerState

ENDING_SECONDS: Final = 2.0
"""How long a container may take to end after its server has stopped listening."""

FIXTURE_TRIES: Final = 3
"""How many workers a fixture may end: a server may have been lost before the fixture began."""

NOTHING_TO_KEEP: Final = "Its databases are not kept: their server was gone when the test failed."

UNREADY_LIMIT: Final = 3
"""How many workers may end in a row without having loaded the project."""


class CrashAccounting:
    """Reports what was lost with workers, so that each test ends exactly once.

    Attributes:
        unready: How many workers have ended since one last loaded the project.
    """

    def __init__(self, *, supplier: Supplier, report: Callable[[Event], None]) -> None:
        self._supplier = supplier
        self._report = report
        self._kills_for_memory = kills_for_memory()
        self.unready = 0

    def account(self, worker: WorkerState) -> Work | None:
        """Account for the test that a worker was running when its process ended.

        Returns:
            The rest of its batch, for another worker; None if nothing is left.

        Raises:
            WorkerError: Too many workers in a row have ended before they ran a test.
        """
        state = worker.state
        assert state is not None
        if state.batch is not None:
            self.end_if_concluded(worker.number, state.batch)
        cause = self._cause(state.process.join())
        explanation = self._supplier.explain(
            worker.number, wait_seconds=ENDING_SECONDS if state.database_lost else 0.0
        )
        is_lost = state.database_lost and self._supplier.keeps_failures
        nothing = NOTHING_TO_KEEP if is_lost else ""
        failure = "\n".join(filter(None, [explanation, state.failure, nothing]))
        self._supplier.release(worker.number)
        running = None if state.batch is None else state.batch.running
        test_id = running.test_id if running is not None else ""
        self._report(WorkerLost(worker=worker.number, cause=cause, test_id=test_id))
        if not state.ready:
            self._count_unready(worker.number, cause, failure)
        if state.batch is None:
            return None
        return self._rest_of(worker.number, state, state.batch, cause, failure)

    def _rest_of(
        self, number: int, state: ProcessState, batch: BatchState, cause: str, failure: str
    ) -> Work | None:
        work, running = batch.work, batch.running
        if running is not None and self._retries(number, state, running, work):
            work.full.add(running.index)
        elif running is not None:
            text = f"Worker {number} ended with {cause} while it ran this test.\n{failure}"
            self.fail(number, work, running.index, running.test_id, state.overdue or text)
        elif state.overdue and batch.fixture:
            self._fail_fixture(number, work, batch.fixture, state.overdue)
            work.ended.update(tests_of(batch.fixture, work))
        elif batch.last:
            text = f"Worker {number} ended with {cause} after this test.\n{failure}"
            self._fail_fixture(number, work, f"{AFTER}{batch.last}", text)
        elif state.ready:
            work.losses += 1
            if work.losses >= FIXTURE_TRIES:
                why = (
                    f"the fixtures of its class or module crashed {FIXTURE_TRIES} workers, the "
                    f"last with {cause}"
                )
                work.blocked.update(work.left)
                self.not_run(number, work, f"{why}.\n{failure}".rstrip(".\n"))
                return None
        work.fixtures |= batch.fixtures
        return work if work.left else None

    def end_if_concluded(self, worker: int, batch: BatchState) -> None:
        """Report the end of a test whose worker reported its outcome, but not its end."""
        running = batch.running
        if running is None or not batch.concluded:
            return
        self._report(TestFinished(worker=worker, index=running.index, seconds=0.0))
        batch.work.ended.add(running.index)
        batch.running, batch.last = None, running.test_id

    def time_out(self, workers: Iterable[WorkerState], waiting: Iterable[Work], why: str) -> None:
        """Kill the workers that run a batch, and report each test that has not ended.

        Args:
            waiting: Batches that no worker has begun.
            why: The reason, as part of a sentence.
        """
        for worker in workers:
            if worker.state is None or (batch := worker.state.batch) is None:
                continue
            worker.state.process.kill()
            if batch.work.rerun is not None:
                # Its tests have been reported.
                worker.state.batch = None
                continue
            self.end_if_concluded(worker.number, batch)
            if (running := batch.running) is not None:
                self.fail(
                    worker.number, batch.work, running.index, running.test_id, f"Ended: {why}."
                )
            self.not_run(worker.number, batch.work, why)
            worker.state.batch = None
        for work in waiting:
            self.not_run(0, work, why)

    def not_run(self, worker: int, work: Work, why: str) -> None:
        """Report each test that has not ended of a batch as not run."""
        for index in work.left:
            test_id = work.batch.tests[index - work.batch.first].id()
            self._report(TestStarted(worker=worker, index=index, test_id=test_id))
            self.fail(worker, work, index, test_id, f"Not run: {why}.")

    def fail(self, worker: int, work: Work, index: int, test_id: str, text: str) -> None:
        """Report the error and the end of a test whose worker can no longer report them."""
        self._report(error_of_lost(worker, index, test_id, text))
        self._report(TestFinished(worker=worker, index=index, seconds=0.0))
        work.ended.add(index)
        work.failed.add(index)

    def _fail_fixture(self, worker: int, work: Work, fixture: str, text: str) -> None:
        error = error_of_lost(worker, None, fixture, text)
        self._report(error)
        work.fixtures.add((fixture, error.kind))

    def _retries(self, worker: int, state: ProcessState, running: TestStarted, work: Work) -> bool:
        """Return whether a test is tried again, because it only exceeded its adaptive limit."""
        if not running.adaptive:
            return False
        if state.overdue and running.index not in work.full and running.limit_seconds is not None:
            self._report(
                TestRetried(
                    worker=worker,
                    index=running.index,
                    test_id=running.test_id,
                    limit_seconds=running.limit_seconds,
                )
            )
            return True
        return running.index in work.full

    def _cause(self, code: int | None) -> str:
        for_memory = code == -signal.SIGKILL and kills_for_memory() > self._kills_for_memory
        # Counted one at a time: two workers may be killed before either is noticed.
        self._kills_for_memory += for_memory
        return cause_of(code, for_memory=for_memory)

    def _count_unready(self, number: int, cause: str, failure: str) -> None:
        self.unready += 1
        if self.unready >= UNREADY_LIMIT:
            raise WorkerError(
                f"{UNREADY_LIMIT} workers in a row ended before they ran a test; worker {number} "
                f"ended with {cause}.\n{failure}".rstrip(),
                "Run one test with manage.py test to check whether the project loads.",
            )
