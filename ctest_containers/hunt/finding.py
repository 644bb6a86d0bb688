"""The result of a hunt, in sentences and as JSON."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any, Final

from ctest_containers.hunt.order import Failure
from ctest_containers.hunt.state.facts import Change
from ctest_containers.text import duration, plural

PROGRAM: Final = "python -m ctest_containers hunt"

SHOWN_CHANGES: Final = 40
"""How many changes are printed; JSON has all of them."""


class Verdict(str, Enum):
    """What a hunt has found out about a test."""

    FAILS_AFTER_OTHERS = "fails after others"
    PASSES_AFTER_OTHERS = "passes after others"
    FAILS_ALONE = "fails alone"
    PASSES = "passes"
    NOT_REPRODUCIBLE = "not reproducible"
    NOT_REACHED = "not reached"
    TIME_UP = "time limit exceeded"

    @property
    def is_found(self) -> bool:
        """Whether other tests were found on which the outcome depends."""
        return self in {Verdict.FAILS_AFTER_OTHERS, Verdict.PASSES_AFTER_OTHERS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The result of a hunt.

    Attributes:
        test: The id of the test.
        failure: How it fails; None if it never did.
        others: The other tests on which its outcome depends, in their order.
        is_minimal: Whether all of these are needed; the search may have ended early.
        order: The order of tests that was replayed, in words.
        failed: How many replays have failed in the same way as the run.
        replays: How many replays there were.
        trials: How many sequences of tests were run.
        seconds: How long that took.
        changes: What the other tests leave behind.
        note: What else a user should know, as sentences.
    """

    test: str
    verdict: Verdict
    failure: Failure | None = None
    others: tuple[str, ...] = ()
    is_minimal: bool = False
    order: str = ""
    failed: int = 0
    replays: int = 0
    trials: int = 0
    seconds: float = 0.0
    changes: tuple[Change, ...] = ()
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return {
            **asdict(self),
            "verdict": self.verdict.value,
            "reproduce": self.command() if self.verdict.is_found else "",
        }

    def command(self) -> str:
        """Return the command that reproduces the outcome."""
        return f"{PROGRAM} {shlex.quote(self.test)} --after {shlex.join(self.others)}"

    def sentences(self) -> Iterator[str]:
        """Yield the lines that describe the result."""
        match self.verdict:
            case Verdict.FAILS_AFTER_OTHERS | Verdict.PASSES_AFTER_OTHERS:
                yield from self._dependence()
            case Verdict.FAILS_ALONE:
                yield f"{self.test} fails alone, too, so other tests are not the cause."
            case Verdict.PASSES:
                yield (
                    f"{self.test} passes alone, and also after {self.order}. There is no failure "
                    "to hunt."
                )
            case Verdict.NOT_REPRODUCIBLE:
                yield (
                    f"{self.test} passes alone, and its failure is not reproducible: "
                    f"{self.failed} of {plural(self.replays, 'replay')} failed after {self.order}."
                )
                yield (
                    "It may depend on timing, on random values, on the date, or on tests that ran "
                    "in other workers at the same time."
                )
            case Verdict.NOT_REACHED:
                yield f"{self.test} could not be run after {self.order}."
            case Verdict.TIME_UP:
                yield f"The time limit ended the hunt of {self.test} before anything was found."
        if not self.verdict.is_found:
            yield from self._failure()

    def _dependence(self) -> Iterator[str]:
        cost = f"found in {plural(self.trials, 'trial')}, {duration(self.seconds)}"
        fails = self.verdict is Verdict.FAILS_AFTER_OTHERS
        what = "fails after" if fails else "fails alone, but passes after"
        if not self.is_minimal:
            yield (
                f"{self.test} {what} {plural(len(self.others), 'test')} of {self.order}; the "
                f"search for a smaller set was not finished ({cost})."
            )
            yield from self._failure()
            return
        if len(self.others) == 1:
            yield f"{self.test} {what} {self.others[0]} ({cost})."
        else:
            yield f"{self.test} {what} these {len(self.others)} tests, all of them needed ({cost}):"
            yield from (f"  {other}" for other in self.others)
        yield from self._failure()
        yield from self._left_behind()
        yield "Reproduce it:"
        yield f"  {self.command()}"

    def _failure(self) -> Iterator[str]:
        if self.failure is not None and self.verdict is not Verdict.PASSES:
            yield f"The failure: {self.failure}"
        if self.note:
            yield self.note

    def _left_behind(self) -> Iterator[str]:
        names = [other.rpartition(".")[2] for other in self.others]
        who = names[0] if len(names) == 1 else "They"
        if not self.changes:
            yield (
                f"{who} left nothing behind that can be observed: look for state in C extensions, "
                "in other services, or in closures."
            )
            return
        yield f"{who} left behind:"
        width = max(len(change.kind) for change in self.changes)
        for change in self.changes[:SHOWN_CHANGES]:
            by = ", ".join(name.rpartition(".")[2] for name in change.tests)
            by = f"  [{by}]" if len(names) > 1 and by else ""
            yield f"  {change.kind:<{width}}  {change}{by}"
        if (more := len(self.changes) - SHOWN_CHANGES) > 0:
            yield f"  and {plural(more, 'more change')}; --json lists all of them"
