"""Reads the commands of the parent for the pool of a node."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from ctest_containers.cluster.messages import BatchEnded, NodeMessage
from ctest_containers.project.suite import Batch
from ctest_containers.wire import LineBuffer, Quit, RunBatch, decode
from ctest_containers.workers.batch_progress import Work


class CommandFeed:
    """Batches whose numbers arrive on a descriptor; closed when the descriptor is.

    Args:
        batches: All batches of the run.
        expected: How long batches are expected to take, in seconds, by their numbers.
        send: Called with a message when a batch has ended.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        batches: Sequence[Batch],
        expected: Mapping[int, float],
        send: Callable[[NodeMessage], None],
    ) -> None:
        self._descriptor = descriptor
        self._batches = {batch.number: batch for batch in batches}
        self._expected = expected
        self._send = send
        self._lines = LineBuffer()
        self.closed = False
        self.stopping = False
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """See `Feed`."""
        return self._descriptor

    def take(self) -> list[Work]:
        """See `Feed`."""
        works: list[Work] = []
        while not self.closed:
            try:
                data = os.read(self._descriptor, 1 << 16)
            except BlockingIOError:
                break
            if not data:
                self.closed = self.stopping = True
            for line in self._lines.feed(data):
                match decode(line):
                    case RunBatch(batch=number, skip=skip, full=full, careful=careful):
                        work = Work(
                            self._batches[number],
                            ended=set(skip),
                            full=set(full),
                            careful=careful,
                            seconds=self._expected.get(number, 0.0),
                        )
                        works.append(work)
                    case Quit():
                        self.stopping = True
                    case _:
                        pass
        return works

    def ended(self, batch: int) -> None:
        """See `Feed`."""
        self._send(BatchEnded(batch=batch))
