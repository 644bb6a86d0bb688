"""The stages that have loaded the project, as the supervisor sees them."""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from ctest_containers.watching.files import Changes
from ctest_containers.watching.messages import GROW, ROUND, Load, Loaded, Order, encode
from ctest_containers.watching.remote import Remote

APPS: Final = 0
TESTS: Final = 1
"""The places in the chain of the stages that have loaded the apps, and the test modules."""


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
    def is_usable(self) -> bool:
        """Whether rounds can be forked from it."""
        return self.loaded is not None and self.loaded.is_usable

    def is_outdated_by(self, changes: Changes) -> bool:
        """Return whether it may have loaded something else than what is there now."""
        if self.loaded is None or not self.loaded.is_usable or changes.moved:
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

    @property
    def remotes(self) -> Iterator[Remote]:
        """The channels to stages that are loading or loaded."""
        return (stage.remote for stage in self._stages)

    @property
    def apps(self) -> Loading | None:
        """The stage that has the apps; None if there is none."""
        return self._stages[APPS] if self._stages else None

    @property
    def has_tests(self) -> bool:
        """Whether there is a stage for test modules, usable or not."""
        return len(self._stages) > TESTS

    @property
    def read(self) -> frozenset[str]:
        """The files that the stages have read."""
        return frozenset().union(*(stage.files for stage in self._stages))

    def load_apps(self) -> None:
        """Begin to load the project's apps."""
        assert not self._stages
        self._stages.append(_grown(self._first, Load()))

    def load_tests(self, modules: Sequence[str]) -> None:
        """Begin to import test modules."""
        (apps,) = self._stages
        self._stages.append(_grown(apps.remote, Load(modules=tuple(modules))))

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
