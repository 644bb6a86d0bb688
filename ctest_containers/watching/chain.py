"""The stages that have loaded the project, as the supervisor sees them."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress

from ctest_containers.watching.files import Changes
from ctest_containers.watching.messages import (
    APPS,
    GROW,
    ROUND,
    TESTS,
    Load,
    Loaded,
    Order,
    encode,
)
from ctest_containers.watching.remote import Remote


class Loading:
    """A stage that loads, or has loaded, a part of the project.

    Attributes:
        loaded: What it has loaded; None while it loads.
        files: The files that it has read.
    """

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.loaded: Loaded | None = None
        self.files: frozenset[str] = frozenset()

    @property
    def has(self) -> str:
        """See `Loaded.what`; empty while it loads."""
        return "" if self.loaded is None else self.loaded.what

    @property
    def error(self) -> str:
        """Why it could not load everything; empty if it could."""
        return "" if self.loaded is None else self.loaded.error

    @property
    def is_usable(self) -> bool:
        """Whether rounds can be forked from it."""
        return bool(self.has) and not self.error

    def is_outdated_by(self, changes: Changes) -> bool:
        """Return whether it may have loaded something else than what is there now."""
        if self.loaded is None or self.error or changes.moved:
            return True
        return not self.files.isdisjoint(changes.changed)


class Chain:
    """Loads stages, discards those that are out of date, and has rounds forked from the last one.

    Args:
        first: The channel to the stage that has loaded nothing of the project.
    """

    def __init__(self, first: Remote) -> None:
        self._first = first
        self._stages: list[Loading] = []
        self._can_load_tests = True

    @property
    def remotes(self) -> Iterator[Remote]:
        """The channels to stages that are loading or loaded."""
        return (stage.remote for stage in self._stages)

    @property
    def apps(self) -> Loading | None:
        """The stage that has the apps, or could not load them; None if there is none yet."""
        return next((stage for stage in self._stages if stage.has == APPS), None)

    @property
    def awaits_tests(self) -> bool:
        """Whether a stage with the test modules is being loaded, and is likely to be usable."""
        last = self._stages[-1] if self._stages else None
        return last is not None and not last.has and self._can_load_tests

    @property
    def read(self) -> frozenset[str]:
        """The files that the stages have read."""
        return frozenset().union(*(stage.files for stage in self._stages))

    def grow(self, modules: Sequence[str], hot: Sequence[str]) -> None:
        """Load what is still missing, unless something is being loaded.

        Args:
            modules: The test modules; none if they are not known yet.
            hot: See `Load`.
        """
        last = self._stages[-1] if self._stages else None
        if last is not None and (last.loaded is None or last.error):
            return
        has = "" if last is None else last.has
        if has == TESTS or (has == APPS and not modules):
            return
        load = Load(modules=tuple(modules), hot=tuple(hot))
        self._stages.append(_grown(self._first if last is None else last.remote, load))

    def discard(self, changes: Changes) -> None:
        """Discard the stages that are out of date; they end when their rounds have ended."""
        for place, stage in enumerate(self._stages):
            if stage.is_outdated_by(changes):
                for outdated in self._stages[place:]:
                    if outdated.loaded is None:
                        # It has no rounds, and what it imports must not write bytecode any more.
                        outdated.remote.signal(signal.SIGKILL)
                    outdated.remote.close()
                del self._stages[place:]
                break
        forget_bytecode(changes)

    def receive(self, remote: Remote) -> None:
        """Take what a stage has sent."""
        for stage in self._stages:
            if stage.remote is remote:
                for message in remote.receive():
                    assert isinstance(message, Loaded)
                    stage.loaded = message
                    stage.files = frozenset(message.files)
                    if message.what == TESTS:
                        self._can_load_tests = not message.error
                if remote.closed:
                    self._lost(stage)
                return

    def _lost(self, stage: Loading) -> None:
        """Forget a stage that has died, and those after it."""
        place = self._stages.index(stage)
        for lost in self._stages[place:]:
            lost.remote.close()
        del self._stages[place:]

    def fork_round(self, order: Order, descriptors: Sequence[int]) -> Remote:
        """Have the last stage that is usable fork a round.

        Args:
            descriptors: The files into which it prints and notes what it writes, and the server
                host in the order.
        """
        source = next(stage for stage in reversed(self._stages) if stage.is_usable)
        ours, theirs = socket.socketpair()
        remote = Remote(ours)
        with theirs:
            source.remote.send(ROUND, (theirs.fileno(), *descriptors))
        remote.send(encode(order))
        return remote

    def close(self) -> None:
        """End all stages."""
        for stage in reversed(self._stages):
            stage.remote.signal(signal.SIGKILL)
            stage.remote.close()
        self._stages.clear()


def _grown(parent: Remote, load: Load) -> Loading:
    ours, theirs = socket.socketpair()
    with theirs:
        parent.send(GROW, (theirs.fileno(),))
    remote = Remote(ours)
    remote.send(encode(load))
    return Loading(remote)


def forget_bytecode(changes: Changes) -> None:
    """Remove the bytecode of changed files.

    Python takes a file's bytecode for its own if both have the same size and second of change, so
    it would not notice two saves in one second.
    """
    for path in changes.changed:
        if path.endswith(".py"):
            with suppress(OSError, NotImplementedError):
                os.unlink(importlib.util.cache_from_source(path))  # noqa: PTH108
