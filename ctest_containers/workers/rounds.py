"""The rounds of a pool that have begun: the only one of a usual run, or those of a stress run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

from ctest_containers.workers.batch_choice import BatchChoice
from ctest_containers.workers.batch_progress import Work
from ctest_containers.workers.flush_order import FlushOrder
from ctest_containers.workers.worker_state import WorkerState


class RoundSource(Protocol):
    """Provides the rounds of a stress run."""

    def next_round(self) -> BatchChoice | None:
        """Return the batches of another round; None if there is none."""

    def entered(self, worker: int, round_number: int) -> None:
        """Note that a worker runs batches of a round from now on."""

    def ended(self, round_number: int) -> None:
        """Note that every batch of a round has been run."""


class Rounds:
    """The rounds that have begun and not ended, in their order.

    A worker takes the batches of the earliest round that has one for it. If none has, another round
    begins, so workers do not wait for the last batch of a round. There are at most as many open
    rounds as workers.

    Args:
        only: The only round, if there is no source.
        source: Provides the rounds of a stress run.
        most: How many rounds may be open.
    """

    def __init__(self, only: BatchChoice, source: RoundSource | None, most: int) -> None:
        self._open = {only.round_number: only} if source is None else {}
        self._source = source
        self._most = most
        self._exhausted = source is None

    @property
    def has_work(self) -> bool:
        """Whether a batch waits for a worker, or another round may begin."""
        return not self._exhausted or any(choice.queue for choice in self._open.values())

    def waiting(self) -> Iterator[Work]:
        """Yield the batches that wait for a worker."""
        return chain.from_iterable(choice.queue for choice in self._open.values())

    def of(self, worker: WorkerState) -> BatchChoice:
        """Return the round of a worker that runs a batch."""
        return self._open[worker.round_number]

    def order_of(self, worker: WorkerState) -> FlushOrder:
        """Return the order of a worker's round; an empty one if that has ended."""
        choice = self._open.get(worker.round_number)
        return FlushOrder() if choice is None else choice.order

    def keeps_rows(self, worker: WorkerState) -> bool:
        """Return whether a waiting batch needs rows that others left on a worker's servers."""
        return any(choice.keeps_rows(worker) for choice in self._open.values())

    def offered(self, worker: WorkerState) -> Iterator[BatchChoice]:
        """Yield the rounds from which a free worker may take a batch, the earliest first."""
        for choice in list(self._open.values()):
            if choice.queue:
                yield choice
            if self._source is not None and choice.keeps_rows(worker):
                return
        if self._source is None or self._exhausted or len(self._open) >= self._most:
            return
        following = self._source.next_round()
        if following is None:
            self._exhausted = True
        else:
            self._open[following.round_number] = following
            yield following

    def entered(self, worker: WorkerState) -> None:
        """Note that a worker runs batches of another round from now on."""
        if self._source is not None:
            self._source.entered(worker.number, worker.round_number)

    def close_ended(self, busy: Sequence[WorkerState]) -> None:
        """Close the rounds of which no batch waits or runs.

        Args:
            busy: The workers that run a batch.
        """
        if self._source is None:
            return
        running = {worker.round_number for worker in busy}
        for number in [
            number
            for number, choice in self._open.items()
            if not choice.queue and number not in running
        ]:
            del self._open[number]
            self._source.ended(number)

    def clear(self) -> None:
        """Remove all batches that wait."""
        self._exhausted = True
        for choice in self._open.values():
            choice.queue.clear()
