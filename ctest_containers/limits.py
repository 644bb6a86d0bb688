"""How long a test, a worker and a run may take, and how a test sets a limit of its own."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    import unittest

Decorated = TypeVar("Decorated", bound=Callable[..., object])

ATTRIBUTE: Final = "ctest_timeout"
"""What the decorator sets on a test or a class, and what a module may set for all its tests."""


class TestTimedOut(BaseException):  # The name is what a report says.
    """Raised in a test that took too long; no `except Exception` of the test's own stops it."""

    __test__ = False


class FixtureTimedOut(Exception):  # noqa: N818  # The name is what a report says.
    """Raised in a fixture of a class or module that took too long; unittest reports it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The hierarchy of limits, in seconds; None means that there is none.

    Attributes:
        per_test: One test, or one fixture of a class or module.
        per_worker: What a worker may take for one batch.
        whole_run: All tests together.
    """

    per_test: float | None
    per_worker: float | None
    whole_run: float | None

    def inversions(self) -> Iterator[str]:
        """A sentence for each limit that is not below the one above it."""
        named = [
            ("per test", self.per_test),
            ("per worker", self.per_worker),
            ("for the whole run", self.whole_run),
        ]
        known = [(name, seconds) for name, seconds in named if seconds is not None]
        for (lower, shorter), (upper, longer) in itertools.pairwise(known):
            if shorter >= longer:
                yield (
                    f"The time limit {lower} ({shorter:g} s) is not below the one {upper} "
                    f"({longer:g} s), which will strike first."
                )


def limits(
    *,
    main: float,
    per_test: float,
    per_worker: float | None,
    whole_run: float | None,
) -> Limits:
    """The limits that follow from the configuration, where 0 stands for none.

    A limit that is not given follows from the main one: the same per worker, twice for the run.
    """
    worker = main if per_worker is None else per_worker
    run = 2 * main if whole_run is None else whole_run
    return Limits(per_test=per_test or None, per_worker=worker or None, whole_run=run or None)


def timeout(seconds: float | None) -> Callable[[Decorated], Decorated]:
    """Give a test or a class of tests a time limit of its own; None lifts it.

    A module does the same for all its tests by setting `ctest_timeout`.

    Raises:
        ValueError: The limit is no positive number.
    """
    if seconds is not None and not seconds > 0:
        raise ValueError(f"a time limit is a positive number of seconds or None, not {seconds!r}")

    def decorate(decorated: Decorated) -> Decorated:
        setattr(decorated, ATTRIBUTE, seconds)
        return decorated

    return decorate


def limit_of_test(test: unittest.TestCase, default: float | None) -> float | None:
    """The limit that applies to a test: its own, its class's, its module's, or the default."""
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    if hasattr(method, ATTRIBUTE):
        return _seconds(method)
    return limit_of_class(type(test), default)


def limit_of_class(kind: type, default: float | None) -> float | None:
    """The limit that applies to the fixtures of a class."""
    if hasattr(kind, ATTRIBUTE):
        return _seconds(kind)
    return limit_of_module(kind.__module__, default)


def limit_of_module(name: str, default: float | None) -> float | None:
    """The limit that applies to the fixtures of a module."""
    module = sys.modules.get(name)
    return _seconds(module) if hasattr(module, ATTRIBUTE) else default


def _seconds(where: Any) -> float | None:
    found = getattr(where, ATTRIBUTE)
    return None if found is None else float(found)
