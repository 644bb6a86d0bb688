"""The time limits of tests, workers and runs, and how a test sets its own limit."""

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
"""The attribute that the decorator sets on tests and classes, and that modules may set."""


class TestTimedOut(BaseException):  # Reports show this name.
    """Raised in a test that took too long; its own `except Exception` does not catch it."""

    __test__ = False


class FixtureTimedOut(Exception):  # noqa: N818  # Reports show this name.
    """Raised in a fixture of a class or module that took too long; unittest reports it."""


PER_TEST_SECONDS: Final = 30.0
"""The default limit of a test or a fixture."""

MAIN_SECONDS: Final = 300.0
"""The default main limit."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How long something may take.

    A limit that the user sets is exact. A default limit must not fail a test that passes in a
    serial run, so only idle time counts: the time since the last progress.

    Attributes:
        idle_only: Whether the limit restarts with each progress.
        at_most: The limit even with progress, in seconds; None for no such limit.
    """

    seconds: float
    idle_only: bool = False
    at_most: float | None = None

    def exceeded(self, seconds: float) -> str:
        """Describe, as the end of a sentence, why a test was ended after this many seconds."""
        if not self.idle_only:
            return f"took longer than {self.seconds:g} s"
        if self.at_most is not None and seconds >= self.at_most:
            return f"took longer than {self.at_most:g} s"
        return f"made no progress for {self.seconds:g} s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The hierarchy of limits; None means that there is none.

    Attributes:
        per_test: The limit of a test, or of a fixture of a class or module.
        per_worker: The limit of a batch; as a default limit, of each test or fixture of it.
        whole_run: The limit of all tests together; as a default limit, of the time since a test
            last ended.
    """

    per_test: Limit | None
    per_worker: Limit | None
    whole_run: Limit | None

    def inversions(self) -> Iterator[str]:
        """Yield a sentence for each limit that is not below the next one, if the user set that."""
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
                    f"({longer.seconds:g} s), which takes effect first."
                )


def limits(
    *,
    main: float | None = None,
    per_test: float | None = None,
    per_worker: float | None = None,
    whole_run: float | None = None,
) -> Limits:
    """Return the limits of a configuration, whose values are in seconds; 0 stands for no limit.

    None means that the user did not set a limit. The limits per worker and for the run are then
    derived from the main one: the same, and twice as long. They only count idle time, unless the
    main one is set.
    """
    main_seconds = MAIN_SECONDS if main is None else main
    idle_only = main is None
    worker = _limit(per_worker) if per_worker is not None else _limit(main_seconds, idle_only)
    at_most = None if worker is None else worker.seconds
    test = Limit(PER_TEST_SECONDS, idle_only=True, at_most=at_most)
    run = _limit(whole_run) if whole_run is not None else _limit(2 * main_seconds, idle_only)
    return Limits(
        per_test=_limit(per_test) if per_test is not None else test,
        per_worker=worker,
        whole_run=run,
    )


def _limit(seconds: float, idle_only: bool = False) -> Limit | None:  # noqa: FBT001, FBT002
    return Limit(seconds, idle_only=idle_only) if seconds else None


def limits_of_node(limits: Limits) -> Limits:
    """Return a run's limits for one of its nodes, which does not know when others' tests end."""
    whole_run = limits.whole_run
    idle_only = whole_run is not None and whole_run.idle_only
    return replace(limits, whole_run=None) if idle_only else limits


def why_run_ended(limit: Limit) -> str:
    """Describe, as part of a sentence, why a limit has ended the run."""
    if limit.idle_only:
        return f"no test has ended for {limit.seconds:g} s"
    return f"the run took longer than {limit.seconds:g} s"


def timeout(seconds: float | None) -> Callable[[Decorated], Decorated]:
    """Set the time limit of a test or a class of tests, in seconds; None removes it.

    A module sets the limit of all its tests with the variable `ctest_timeout`.

    Raises:
        ValueError: The limit is not a positive number.
    """
    if seconds is not None and not seconds > 0:
        raise ValueError(f"a limit must be a positive number of seconds or None, not {seconds!r}")

    def decorate(decorated: Decorated) -> Decorated:
        setattr(decorated, ATTRIBUTE, seconds)
        return decorated

    return decorate


def limit_of_test(test: unittest.TestCase, default: Limit | None) -> Limit | None:
    """Return the limit of a test: its own, its class's, its module's, or the default."""
    method = getattr(test, getattr(test, "_testMethodName", ""), None)
    if hasattr(method, ATTRIBUTE):
        return _own_limit(method)
    return limit_of_class(type(test), default)


def limit_of_class(kind: type, default: Limit | None) -> Limit | None:
    """Return the limit of the fixtures of a class."""
    if hasattr(kind, ATTRIBUTE):
        return _own_limit(kind)
    return limit_of_module(kind.__module__, default)


def limit_of_module(name: str, default: Limit | None) -> Limit | None:
    """Return the limit of the fixtures of a module."""
    module = sys.modules.get(name)
    return _own_limit(module) if hasattr(module, ATTRIBUTE) else default


def _own_limit(owner: Any) -> Limit | None:
    seconds = getattr(owner, ATTRIBUTE)
    return None if seconds is None else Limit(float(seconds))
