"""Deadlines."""

from __future__ import annotations

import time

from ctest_containers.clock import Deadline


def test_a_deadline_in_the_past_has_passed() -> None:
    deadline = Deadline(10.0, started=time.monotonic() - 3600)

    assert deadline.passed
    assert deadline.remaining == 0.0


def test_a_deadline_in_the_future_has_not_passed() -> None:
    deadline = Deadline(3600.0)

    assert not deadline.passed
    assert 0.0 < deadline.remaining <= 3600.0


def test_a_deadline_of_no_seconds_has_passed_at_once() -> None:
    assert Deadline(0.0).passed


def test_what_remains_only_becomes_less() -> None:
    deadline = Deadline(3600.0)

    earlier, later = deadline.remaining, deadline.remaining

    assert later <= earlier
