"""Limits: which one applies to a test, and a hierarchy that is upside down is told."""

from __future__ import annotations

import sys
import unittest

import pytest

import ctest_containers
from ctest_containers.limits import Limit, limit_of_class, limit_of_test, limits

DEFAULT = Limit(30.0, idle_only=True, at_most=300.0)


class Plain(unittest.TestCase):
    """Sets no limit."""

    def test_plain(self) -> None:
        """Has the default limit."""

    @ctest_containers.timeout(120)
    def test_own(self) -> None:
        """Has a limit of its own."""

    @ctest_containers.timeout(None)
    def test_lifted(self) -> None:
        """Has none."""


@ctest_containers.timeout(7)
class Limited(unittest.TestCase):
    """Sets a limit for all its tests."""

    def test_plain(self) -> None:
        """Has the limit of its class."""

    @ctest_containers.timeout(8)
    def test_own(self) -> None:
        """Has a limit of its own."""


class Inheriting(Limited):
    """Has the limit of the class that it inherits from."""


@pytest.mark.parametrize(
    ("kind", "method", "expected"),
    [
        (Plain, "test_plain", 30.0),
        (Plain, "test_own", 120.0),
        (Plain, "test_lifted", None),
        (Limited, "test_plain", 7.0),
        (Limited, "test_own", 8.0),
        (Inheriting, "test_plain", 7.0),
    ],
)
def test_the_nearest_limit_applies(
    kind: type[unittest.TestCase], method: str, expected: float | None
) -> None:
    limit = limit_of_test(kind(method), DEFAULT)

    assert limit == (DEFAULT if expected == 30.0 else expected and Limit(expected))


def test_a_module_sets_the_limit_of_what_sets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Plain.__module__], "ctest_timeout", 9, raising=False)

    assert limit_of_test(Plain("test_plain"), DEFAULT) == Limit(9)
    assert limit_of_class(Plain, DEFAULT) == Limit(9)
    assert limit_of_test(Limited("test_plain"), DEFAULT) == Limit(7)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_a_limit_that_is_no_positive_number_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="positive number"):
        ctest_containers.timeout(seconds)


def test_limits_that_are_not_given_follow_from_the_main_one() -> None:
    found = limits(main=100, per_test=30)

    assert (found.per_test, found.per_worker, found.whole_run) == (
        Limit(30),
        Limit(100),
        Limit(200),
    )
    assert list(found.inversions()) == []


def test_default_limits_count_idle_time_only() -> None:
    found = limits()

    assert found.per_test == Limit(30, idle_only=True, at_most=300)
    assert found.per_worker == Limit(300, idle_only=True)
    assert found.whole_run == Limit(600, idle_only=True)
    assert list(found.inversions()) == []


def test_a_test_makes_progress_for_as_long_as_its_worker_may_take() -> None:
    assert limits(per_worker=60).per_test == Limit(30, idle_only=True, at_most=60)
    assert limits(per_worker=0).per_test == Limit(30, idle_only=True, at_most=None)


def test_0_stands_for_no_limit() -> None:
    found = limits(main=0, per_test=0, whole_run=0)

    assert (found.per_test, found.per_worker, found.whole_run) == (None, None, None)
    assert list(found.inversions()) == []


def test_a_hierarchy_that_is_upside_down_names_both_values() -> None:
    found = limits(main=300, per_test=400, whole_run=100)

    sentences = list(found.inversions())

    assert len(sentences) == 2
    assert "per test (400 s)" in sentences[0]
    assert "per worker (300 s)" in sentences[0]
    assert "for the whole run (100 s)" in sentences[1]


def test_a_lifted_limit_is_no_part_of_the_hierarchy() -> None:
    found = limits(main=0, per_test=400, whole_run=100)

    assert ["per test (400 s)" in one for one in found.inversions()] == [True]


def test_a_default_limit_is_never_reported_as_inverted() -> None:
    assert list(limits(per_test=400).inversions()) == []


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(31.0, "made no progress for 30 s"), (300.5, "took longer than 300 s")],
)
def test_the_message_of_a_default_limit_says_what_was_exceeded(seconds: float, words: str) -> None:
    assert DEFAULT.exceeded(seconds) == words
