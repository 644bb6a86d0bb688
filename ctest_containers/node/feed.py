"""The commands of the parent, as the pool of a node takes them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence

from ctest_containers.cluster.messages import BatchEnded, Word
from ctest_containers.project.suite import Batch
from ctest_containers.wire import LineBuffer, Quit, RunBatch, decode
from ctest_containers.workers.batch_progress import Work


class CommandFeed:
    """Batches that are named on a descriptor; it is closed when the descriptor is.

    Args:
        say: Is told of batches that have ended.
    """

    def __init__(
        self,
        descriptor: int,
        *,
        batches: Sequence[Batch],
        expected: Mapping[int, float],
        say: Callable[[Word], None],
    ) -> None:
        self._descriptor = descriptor
        self._batches = {batch.number: batch for batch in batches}
        self._expected = expected
        self._say = say
        self._lines = LineBuffer()
        self.closed = False
        self.stopping = False
        os.set_blocking(descriptor, False)

    def fileno(self) -> int:
        """See `Feed`."""
        return self._descriptor

    def take(self) -> list[Work]:
        """See `Feed`."""
        found: list[Work] = []
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
                        found.append(work)
                    case Quit():
                        self.stopping = True
                    case _:
                        pass
        return found

    def ended(self, batch: int) -> None:
        """See `Feed`."""
        self._say(BatchEnded(batch=batch))
