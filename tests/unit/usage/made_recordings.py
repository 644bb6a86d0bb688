"""Recordings of a few units, for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ctest_containers.usage.model import StatementUsage, Usage
from ctest_containers.usage.packing import pack
from ctest_containers.usage.recording import Recording, Run

YESTERDAY = Run("11111111", "2026-01-30T10:00:00.000+00:00")
TODAY = Run("22222222", "2026-01-31T10:00:00.000+00:00")


def ran(*functions: str) -> Usage:
    """The usage of what ran these functions of a module."""
    return Usage(definitions=frozenset(("shop.views", function) for function in functions))


def sent(text: str, count: int = 1) -> StatementUsage:
    """A statement that was sent this often from one place."""
    return StatementUsage(
        text=text, alias="default", count=count, seconds=count / 1000, places={"a.py:1": count}
    )


def recorded(
    run: Run,
    units: Mapping[str, Usage],
    marks: Mapping[str, str] | None = None,
    *,
    follows: str = "",
    is_complete: bool = False,
) -> Recording:
    """What a run has recorded."""
    return Recording(
        run=run,
        follows=follows,
        is_complete=is_complete,
        units=pack(units),
        runs=dict.fromkeys(units, run),
        marks=marks or {},
    )


def recorded_today(
    units: Mapping[str, Usage], marks: Mapping[str, str] | None = None, **options: Any
) -> Recording:
    """What today's run has recorded after yesterday's."""
    return recorded(TODAY, units, marks, **{"follows": YESTERDAY.id, **options})
