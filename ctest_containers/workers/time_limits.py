"""Ends what takes too long: a test or a fixture, a batch, the whole run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.events import Event, TestSlow
from ctest_containers.limits import Limit, Limits
from ctest_containers.workers.batch_progress import Slot
from ctest_containers.workers.overdue import GRACE_SECONDS, Overdue, overdue_after
from ctest_containers.workers.progress import Progress

STACK_SECONDS: Final = 0.3
"""What a worker gets to write down where it is."""


class TimeLimits:
    """Enforces the limits of a run on its workers.

    While a test with a limit of its own runs, no default limit ends its batch or the run.
    """

    def __init__(self, limits: Limits, report: Callable[[Event], None]) -> None:
        self._limits = limits
        self._report = report
        self._end_of_run: Deadline | None = None

    @property
    def whole_run(self) -> Limit | None:
        """The limit of the run."""
        return self._limits.whole_run

    def begin_batch(self, slot: Slot) -> None:
        """A worker begins with a batch."""
        limit = self._limits.per_worker
        if limit is None or slot.work is None:
            return
        if limit.idle_only:
            # What may take as long by itself is interrupted before its worker is killed.
            seconds = limit.seconds + 2 * GRACE_SECONDS
            why = f"no test of this class has ended for {limit.seconds:g} s."
        else:
            seconds = limit.seconds
            why = f"its worker took longer than {seconds:g} s for this class of tests."
        slot.batch_deadline = Overdue(Deadline(seconds), f"Timed out: {why}")

    def begin(self, slot: Slot, seconds: float | None, *, idle_only: bool) -> None:
        """A worker begins a test or a fixture, which has so many seconds; None for any time."""
        self.end(slot)
        slot.is_unlimited = seconds is None
        if seconds is None or slot.process is None:
            return
        if idle_only and self._limits.per_test is not None:
            slot.progress = Progress(
                self._limits.per_test, process=slot.process.pid, servers=slot.servers
            )
        else:
            slot.deadline = overdue_after(Limit(seconds), seconds)

    def end(self, slot: Slot) -> None:
        """A worker has ended what it was in."""
        slot.deadline = slot.progress = None
        slot.is_unlimited = False
        if self._limits.per_worker is not None and self._limits.per_worker.idle_only:
            self.begin_batch(slot)

    def end_test(self, slot: Slot) -> None:
        """A worker has ended a test."""
        self.end(slot)
        if self._limits.whole_run is not None and self._limits.whole_run.idle_only:
            self._end_of_run = None

    def is_run_over(self, busy: Sequence[Slot]) -> bool:
        """Whether the time of the run is up."""
        limit = self._limits.whole_run
        if limit is None:
            return False
        if self._end_of_run is None or (limit.idle_only and not busy):
            # Servers that nobody has got yet have limits of their own.
            self._end_of_run = Deadline(limit.seconds)
        if not self._end_of_run.passed:
            return False
        return not (limit.idle_only and any(map(_has_own_limit, busy)))

    def enforce(self, busy: Sequence[Slot]) -> None:
        """Interrupt what has exceeded its limit, and kill its worker if that does not help.

        A worker is asked for its stack before it is killed.
        """
        for slot in busy:
            self._check_progress(slot)
            due = slot.deadline
            is_due = due is not None and due.interrupt is not None and due.interrupt.passed
            # Again and again: the worker's own clock may have begun a moment later.
            if is_due and slot.process is not None:
                slot.process.interrupt_what_runs()
            late = [overdue for overdue in self._deadlines(slot) if overdue.deadline.passed]
            if not late or slot.process is None:
                continue
            (first, *_) = late
            if first.asked is None:
                first.asked = Deadline(STACK_SECONDS)
                slot.process.ask_where()
            elif first.asked.passed and not slot.overdue:
                slot.overdue = f"{first.reason} Where it was:\n{slot.process.where()}"
                slot.process.kill()

    def _deadlines(self, slot: Slot) -> list[Overdue]:
        """Those that count for a worker at the moment."""
        of_batch, limit = slot.batch_deadline, self._limits.per_worker
        if limit is not None and limit.idle_only and _has_own_limit(slot):
            of_batch = None
        return [overdue for overdue in (slot.deadline, of_batch) if overdue is not None]

    def _check_progress(self, slot: Slot) -> None:
        """Let a test that makes no progress be interrupted; report a slow one that does."""
        progress = slot.progress
        if progress is None or not progress.check():
            return
        if progress.stalled and self._limits.per_test is not None:
            slot.progress = None
            slot.deadline = overdue_after(self._limits.per_test, progress.seconds, at_once=True)
        elif progress.slow:
            name = slot.running.test_id if slot.running is not None else slot.fixture
            self._report(TestSlow(worker=slot.number, test_id=name, seconds=progress.seconds))


def _has_own_limit(slot: Slot) -> bool:
    """Whether what a worker is in was given a limit of its own, or none."""
    return slot.deadline is not None or slot.is_unlimited
