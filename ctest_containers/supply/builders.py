"""Makes sure of the templates of several groups at the same time, each in a process of its own."""

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
from ctest_containers.template import Template

END_SECONDS: Final = 60.0
"""How long a process may take to remove its servers and end after SIGTERM."""

Ensure = Callable[[DatabaseGroup, Callable[[Event], None]], tuple[Template, bool]]
"""Makes sure of a group's template, in a process of its own.

It returns the template, and whether that was there already.
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process has come to.

    Attributes:
        error: Why there is no template; None if there is one.
    """

    template: Template | None = None
    was_there: bool = False
    error: CtestError | None = None


@dataclass(slots=True)
class Builder:
    """A process that makes sure of a template.

    Attributes:
        answer: None as long as it has not given one.
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
    """The processes that are at work; the parent passes on their events while it waits for one.

    Args:
        report: Called with each event.
        timeout_seconds: How long a template may take, with all that its process waits for.
    """

    def __init__(self, report: Callable[[Event], None], timeout_seconds: float) -> None:
        self._report = report
        self._timeout_seconds = timeout_seconds
        self._waiting: dict[str, Callable[[], Builder]] = {}
        self._builders: dict[str, Builder] = {}
        self._most = 0

    @contextmanager
    def working(
        self, groups: Sequence[DatabaseGroup], setup: ProjectSetup, ensure: Ensure, most: int
    ) -> Iterator[None]:
        """Have processes make sure of the templates of groups, as long as the block lasts.

        A template that migrations of another group read is asked for in a block within this one.
        What is at work already, or waits, stays with the block that has begun it.

        Args:
            most: How many processes are at work at the same time.
        """
        new = [one for one in groups if one.label not in {*self._waiting, *self._builders}]
        labels = [group.label for group in new]
        try:
            for group in new:
                self._waiting[group.label] = functools.partial(_start, group, setup, ensure)
            self._most = most if new else self._most
            self._start_waiting()
            yield
        finally:
            for label in labels:
                self._waiting.pop(label, None)
                if (builder := self._builders.pop(label, None)) is not None:
                    _end(builder)

    def result(self, group: DatabaseGroup) -> tuple[Template, bool] | None:
        """Wait for a group's template; None if no process is to make it, or it has died.

        Raises:
            CtestError: The template cannot be had.
        """
        label = group.label
        if label not in self._builders and label not in self._waiting:
            return None
        deadline = Deadline(self._timeout_seconds)
        while (builder := self._builders.get(label)) is None or not builder.has_ended:
            if not wait([one.reading for one in self._at_work()], deadline.remaining):
                raise TemplateError(
                    f"The process that builds the template for {label} has not finished within "
                    f"{self._timeout_seconds:g} seconds and was stopped.",
                    "Run it again, and please report it if it happens again.",
                )
            for one in self._at_work():
                one.read(self._report)
            self._start_waiting()
        answer = builder.answer
        if answer is None:
            return None
        if answer.error is not None:
            raise answer.error
        assert answer.template is not None
        return answer.template, answer.was_there

    def _at_work(self) -> list[Builder]:
        return [builder for builder in self._builders.values() if not builder.has_ended]

    def _start_waiting(self) -> None:
        """Start the next processes, as many as may be at work."""
        while self._waiting and len(self._at_work()) < max(1, self._most):
            label = next(iter(self._waiting))
            self._builders[label] = self._waiting.pop(label)()


def most_builders(cores: int, free_bytes: Sequence[int | None]) -> int:
    """How many templates may be built at the same time.

    Args:
        cores: Those of this machine.
        free_bytes: Memory that is free, here and where the engine runs, in bytes; None where it is
            not known.
    """
    carried = (free // BYTES_PER_WORKER for free in free_bytes if free is not None)
    return max(1, min([cores, *carried]))


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
    # At the terminal, Ctrl-C reaches this process, too; the parent ends it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    try:
        template, was_there = ensure(group, writing.send)
        answer = Answer(template, was_there)
    except CtestError as error:
        answer = Answer(error=error)
    writing.send(answer)


def _leave(_: int, __: object) -> NoReturn:
    """End, and remove the servers before."""
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
