"""The rounds of watch mode: the one that counts, and those that have made way for it."""

from __future__ import annotations

import selectors
from collections.abc import Callable
from functools import partial

from ctest_containers.watching.round import Round, State


class Rounds:
    """The rounds that have not ended, and the last one that counts.

    Args:
        settle: Called with a round whose outcomes will not change any more.

    Attributes:
        current: The round that runs, or the last one; None before the first.
    """

    def __init__(self, settle: Callable[[Round], None]) -> None:
        self.current: Round | None = None
        self._ending: list[Round] = []
        self._settle = settle

    @property
    def _every(self) -> list[Round]:
        return self._ending if self.current is None else [*self._ending, self.current]

    @property
    def are_busy(self) -> bool:
        """Whether any round has not ended."""
        return any(not each.has_ended for each in self._every)

    @property
    def is_running(self) -> bool:
        """Whether the current round runs tests, or is about to."""
        return self.current is not None and self.current.state is State.RUNNING

    @property
    def builder(self) -> Round | None:
        """A round that has made way for another one, and goes on building a template."""
        return next((each for each in self._ending if each.only_builds), None)

    def written(self) -> set[str]:
        """Return the files that rounds may have written just now."""
        return {path for each in self._every for path in each.written()}

    def tick(self) -> None:
        """Kill rounds that should have stopped."""
        for each in self._every:
            each.tick()

    def retire(self, *, builds_on: bool) -> None:
        """Make way for another round: stop the one that runs, and settle it.

        Args:
            builds_on: Whether a template that is being built is still needed.
        """
        if not builds_on and self.builder is not None:
            self.builder.kill()
        retired, self.current = self.current, None
        if retired is None or retired.has_ended:
            return
        if retired.state is State.RUNNING:
            retired.cancel(builds_on=builds_on)
        self._settle(retired)
        self._ending.append(retired)

    def register(self, selector: selectors.BaseSelector) -> None:
        """Have a selector notice news of the rounds; the data of its keys takes them."""
        for each in self._every:
            if each.has_ended or each.remote is None:
                continue
            selector.register(each.remote, selectors.EVENT_READ, partial(self._receive, each))
            if each.remote.process >= 0:
                selector.register(
                    each.remote.process,
                    selectors.EVENT_READ,
                    partial(self._receive, each, has_ended=True),
                )

    def _receive(self, sender: Round, *, has_ended: bool = False) -> None:
        assert sender.remote is not None
        if sender.remote.closed:
            # Its process has ended just after it had said that it would.
            return
        if has_ended:
            sender.process_ended()
        else:
            sender.receive()
        if sender.has_ended:
            sender.clean_up()
            if sender in self._ending:
                self._ending.remove(sender)
            else:
                self._settle(sender)
            sender.remote.close()

    def close(self) -> None:
        """End all rounds."""
        for each in self._every:
            if each.remote is not None and not each.has_ended:
                each.stop()
