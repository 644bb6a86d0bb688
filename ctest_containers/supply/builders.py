"""Makes sure of the templates of several groups at once, each in a process of its own."""

from __future__ import annotations

import functools
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Final, NoReturn

from ctest_containers.capacity.plan import BYTES_PER_WORKER
from ctest_containers.clock import Deadline
from ctest_containers.errors import CtestError, TemplateError
from ctest_containers.events import Event
from ctest_containers.model import DatabaseGroup
from ctest_containers.project.process import ProjectSetup, die_with_parent, start_child
from ctest_containers.template import ProjectTemplate

END_SECONDS: Final = 60.0
"""How long a process may take to remove its servers and end after SIGTERM."""

Ensure = Callable[[DatabaseGroup, Callable[[Event], None]], tuple[ProjectTemplate, bool]]
"""Makes sure of a group's template; returns the template, and whether it already existed."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The last message of a process.

    Attributes:
        template: The template; None if there is an error.
        was_there: Whether it already existed.
        error: Why there is no template; None if there is one.
    """

    template: ProjectTemplate | None = None
    was_there: bool = False
    error: CtestError | None = None


@dataclass(slots=True)
class Builder:
    """A process that makes sure of a template.

    Attributes:
        answer: Its answer; None as long as it has not arrived.
        has_ended: Whether no more messages will arrive.
    """

    process: Any
    reading: Connection
    answer: Answer | None = None
    has_ended: bool = False

    def read(self, report: Callable[[Event], None]) -> None:
        """Pass on the events that have arrived."""
        while not self.has_ended and self.reading.poll():
            try:
                message = self.reading.recv()
            except (EOFError, OSError):
                self.has_ended = True
                return
            if isinstance(message, Answer):
                self.answer = message
                self.has_ended = True
            else:
                report(message)


class Builders:
    """The running builders; the parent passes on their events while it waits for one.

    Args:
        report: Called with each event.
        timeout_seconds: How long a template may take, including what its process waits for.
    """

    def __init__(self, report: Callable[[Event], None], timeout_seconds: float) -> None:
        self._report = report
        self._timeout_seconds = timeout_seconds
        self._waiting: dict[str, Callable[[], Builder]] = {}
        self._builders: dict[str, Builder] = {}
        self._limit = 0

    @contextmanager
    def working(
        self, groups: Sequence[DatabaseGroup], setup: ProjectSetup, ensure: Ensure, limit: int
    ) -> Iterator[None]:
        """Have processes make sure of the templates of groups during the block.

        Blocks nest, if migrations of one group read the databases of another. A process belongs to
        the block that requested it first.

        Args:
            limit: How many processes run at once.
        """
        known = {*self._waiting, *self._builders}
        new = [group for group in groups if group.label not in known]
        labels = [group.label for group in new]
        try:
            for group in new:
                self._waiting[group.label] = functools.partial(_start, group, setup, ensure)
            self._limit = limit if new else self._limit
            self._start_waiting()
            yield
        finally:
            for label in labels:
                self._waiting.pop(label, None)
                if (builder := self._builders.pop(label, None)) is not None:
                    _end(builder)

    def result(self, group: DatabaseGroup) -> tuple[ProjectTemplate, bool] | None:
        """Wait for a group's template; None if no process makes it, or if that has died.

        Returns:
            See `Ensure`.

        Raises:
            CtestError: The template cannot be made.
        """
        label = group.label
        if label not in self._builders and label not in self._waiting:
            return None
        deadline = Deadline(self._timeout_seconds)
        while (builder := self._builders.get(label)) is None or not builder.has_ended:
            if not wait([running.reading for running in self._running()], deadline.remaining):
                raise TemplateError(
                    f"The process that builds the template for {label} did not finish within "
                    f"{self._timeout_seconds:g} seconds and was stopped.",
                    "Run it again, and please report it if it happens again.",
                )
            for running in self._running():
                running.read(self._report)
            self._start_waiting()
        answer = builder.answer
        if answer is None:
            return None
        if answer.error is not None:
            raise answer.error
        assert answer.template is not None
        return answer.template, answer.was_there

    def _running(self) -> list[Builder]:
        return [builder for builder in self._builders.values() if not builder.has_ended]

    def _start_waiting(self) -> None:
        """Start waiting processes, up to the limit."""
        while self._waiting and len(self._running()) < max(1, self._limit):
            label = next(iter(self._waiting))
            self._builders[label] = self._waiting.pop(label)()


def builder_limit(cores: int, free_bytes: Sequence[int | None]) -> int:
    """Return how many templates may be built at once.

    Args:
        cores: The number of cores of this machine.
        free_bytes: The free memory here and where the engine runs, in bytes; None if unknown.
    """
    affordable = (free // BYTES_PER_WORKER for free in free_bytes if free is not None)
    return max(1, min([cores, *affordable]))


def _start(group: DatabaseGroup, setup: ProjectSetup, ensure: Ensure) -> Builder:
    reading, writing = setup.context.Pipe(duplex=False)
    process = setup.context.Process(  # type: ignore[attr-defined]  # typeshed: on every context
        target=_build, args=(group, ensure, writing), name=f"builder-{group.label}"
    )
    sys.stdout.flush()
    sys.stderr.flush()
    start_child(process)
    writing.close()
    return Builder(process, reading)


def _build(group: DatabaseGroup, ensure: Ensure, writing: Connection) -> None:
    die_with_parent()
    # At the terminal, Ctrl-C also reaches this process; the parent ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _exit)
    try:
        template, was_there = ensure(group, writing.send)
        answer = Answer(template, was_there)
    except CtestError as error:
        answer = Answer(error=error)
    writing.send(answer)


def _exit(_: int, __: object) -> NoReturn:
    """Exit through the clean-up that removes the servers."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)


def _end(builder: Builder) -> None:
    with suppress(OSError):
        builder.reading.close()
    if builder.answer is None:
        builder.process.terminate()
    builder.process.join(END_SECONDS)
    if builder.process.exitcode is None:
        builder.process.kill()
        builder.process.join()
