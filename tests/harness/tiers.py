"""Which tests a tier runs, and in which groups and order they run beside one another.

`scripts/test` runs what must hold for every change. A test that proves the same once more, or in
another place, is marked `further` with the reason why the others fail first, and runs with `--all`.
With `--quick` run only tests that need no engine and start no project.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).resolve().parents[1]
DURATIONS: Final = TESTS / "durations.json"

QUICK: Final = ("unit", "properties")
"""The folders whose tests need no engine."""

MACHINES_ENGINE: Final = "machine's engine"
"""The group of all tests that need the machine's own engine: its network, or its socket."""


def further(reason: str) -> pytest.MarkDecorator:
    """Mark what runs with `--all` only.

    Args:
        reason: Which tests fail first where this one would.
    """
    return pytest.mark.further(reason)


def is_in_tier(item: pytest.Item, tier: str) -> bool:
    """Whether a tier (`quick`, `all`, or empty for the usual one) runs a test."""
    if tier == "all":
        return True
    if item.get_closest_marker("further") is not None:
        return False
    return tier != "quick" or item.path.relative_to(TESTS).parts[0] in QUICK


def group_of(item: pytest.Item) -> str:
    """The tests that run in one process, for they share what a module makes once, or an engine."""
    uses_engine = "engine" in getattr(item, "fixturenames", ())
    # Only root may start further engines.
    if item.get_closest_marker("machines_engine") or (uses_engine and os.geteuid() != 0):
        return MACHINES_ENGINE
    return item.path.relative_to(TESTS.parent).as_posix()


def longest_first(items: Sequence[pytest.Item], seconds: Mapping[str, float]) -> list[pytest.Item]:
    """Tests in groups, so that those begin first that take longest.

    The machine's engine comes before all: the first process has it.

    Args:
        seconds: What each module took.
    """
    groups: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        groups[group_of(item)].append(item)

    def rank(group: str) -> tuple[bool, float]:
        return group != MACHINES_ENGINE, -seconds.get(group, 0.0)

    return [item for group in sorted(groups, key=rank) for item in groups[group]]


def known_seconds() -> dict[str, float]:
    """What each module took when that was measured last; see `write_seconds`."""
    found: dict[str, float] = json.loads(DURATIONS.read_text())
    return found


def write_seconds(seconds: Mapping[str, float]) -> None:
    """Keep what each module took, for those who run the tests next."""
    measured = {**known_seconds(), **seconds}
    kept = {module: round(took, 1) for module, took in sorted(measured.items()) if took >= 1.0}
    DURATIONS.write_text(json.dumps(kept, indent=1) + "\n")
