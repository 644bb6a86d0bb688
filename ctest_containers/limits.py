"""How long a test, a worker and a run may take, and how a test sets a limit of its own."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
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


PER_TEST_SECONDS: Final = 30.0
"""The limit of a test or a fixture where none is given."""

MAIN_SECONDS: Final = 300.0
"""The main limit where none is given."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take.

    A limit that the user sets is exact. A default limit must not fail a test that passes in a
    serial run, so only idle time counts: the time since the last progress.

    Attributes:
        idle_only: Whether the limit starts again with each progress.
        at_most: The most that may be taken even with progress, in seconds; None for any time.
    """

    seconds: float
    idle_only: bool = False
    at_most: float | None = None

    def exceeded(self, seconds: float) -> str:
        """What is said of a test that was ended after so many seconds, with "it" before it."""
        if not self.idle_only:
            return f"took longer than {self.seconds:g} s"
        if self.at_most is not None and seconds >= self.at_most:
            return f"took longer than {self.at_most:g} s"
        return f"made no progress for {self.seconds:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The hierarchy of limits; None means that there is none.

    Attributes:
        per_test: One test, or one fixture of a class or module.
        per_worker: One batch; as a default limit, each test or fixture of it.
        whole_run: All tests together; as a default limit, the time since a test last ended.
    """

    per_test: Limit | None
    per_worker: Limit | None
    whole_run: Limit | None

    def inversions(self) -> Iterator[str]:
        """A sentence for each limit that is not below the one above it; default ones give way."""
        named = [
            ("per test", self.per_test),
            ("per worker", self.per_worker),
            ("for the whole run", self.whole_run),
        ]
        known = [(name, limit) for name, limit in named if limit is not None]
        for (lower, shorter), (upper, longer) in itertools.pairwise(known):
            if not longer.idle_only and shorter.seconds >= longer.seconds:
                yield (
                    f"The time limit {lower} ({shorter.seconds:g} s) is not below the one {upper} "
                    f"({longer.seconds:g} s), which will strike first."
                )


def limits(
    *,
    main: float | None = None,
    per_test: float | None = None,
    per_worker: float | None = None,
    whole_run: float | None = None,
) -> Limits:
    """The limits that follow from the configuration, in seconds, where 0 stands for none.

    None means that the user did not set it. The limits per worker and for the run then follow
    from the main one: the same, and twice as long. They count idle time only, unless the main one
    is set.
    """
    above = MAIN_SECONDS if main is None else main
    is_patient = main is None
    worker = _given(per_worker) if per_worker is not None else _given(above, is_patient)
    at_most = None if worker is None else worker.seconds
    test = Limit(PER_TEST_SECONDS, idle_only=True, at_most=at_most)
    return Limits(
        per_test=_given(per_test) if per_test is not None else test,
        per_worker=worker,
        whole_run=_given(whole_run) if whole_run is not None else _given(2 * above, is_patient),
    )


def _given(seconds: float, is_patient: bool = False) -> Limit | None:  # noqa: FBT001, FBT002
    return Limit(seconds, idle_only=is_patient) if seconds else None


def limits_of_node(chosen: Limits) -> Limits:
    """The limits of a run as one of several nodes has them: only all together know what ends."""
    whole_run = chosen.whole_run
    idle_only = whole_run is not None and whole_run.idle_only
    return replace(chosen, whole_run=None) if idle_only else chosen


def why_run_ended(limit: Limit) -> str:
    """What is said of the tests of a run that its limit has ended."""
    if limit.idle_only:
        return f"no test has ended for {limit.seconds:g} s"
    return f"the run took longer than {limit.seconds:g} s"


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


def limit_of_test(test: unittest.TestCase, default: Limit | None) -> Limit | None:
    """The limit that applies to a test: its own, its class's, its module's, or the default."""
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    if hasattr(method, ATTRIBUTE):
        return _own_limit(method)
    return limit_of_class(type(test), default)


def limit_of_class(kind: type, default: Limit | None) -> Limit | None:
    """The limit that applies to the fixtures of a class."""
    if hasattr(kind, ATTRIBUTE):
        return _own_limit(kind)
    return limit_of_module(kind.__module__, default)


def limit_of_module(name: str, default: Limit | None) -> Limit | None:
    """The limit that applies to the fixtures of a module."""
    module = sys.modules.get(name)
    return _own_limit(module) if hasattr(module, ATTRIBUTE) else default


def _own_limit(where: Any) -> Limit | None:
    seconds = getattr(where, ATTRIBUTE)
    return None if seconds is None else Limit(float(seconds))
