"""Which tests a tier runs, and in which order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness.tiers import TESTS, group_of, is_in_tier, known_seconds, longest_first


class _Item:
    """A test of a module, with marks."""

    def __init__(self, module: str, *marks: pytest.MarkDecorator) -> None:
        self.path = TESTS / module
        self._marks = {mark.name: mark for mark in marks}

    def get_closest_marker(self, name: str) -> pytest.MarkDecorator | None:
        return self._marks.get(name)


UNIT: Any = _Item("unit/test_text.py")
SHORT: Any = _Item("integration/test_limits.py")
LONG: Any = _Item("integration/test_pytest.py")
SEED: Any = _Item("integration/test_limits.py", pytest.mark.further("A further seed."))
IMAGE: Any = _Item("integration/test_images.py", pytest.mark.machines_engine)


@pytest.mark.parametrize(
    ("tier", "run"),
    [("quick", [UNIT]), ("", [UNIT, SHORT, IMAGE]), ("all", [UNIT, SHORT, SEED, IMAGE])],
)
def test_each_tier_has_what_the_one_below_has(tier: str, run: list[Any]) -> None:
    items = [UNIT, SHORT, SEED, IMAGE]

    assert [item for item in items if is_in_tier(item, tier)] == run


def test_the_machines_engine_comes_first_and_then_what_takes_longest() -> None:
    seconds = {"tests/integration/test_pytest.py": 9.0, "tests/integration/test_limits.py": 2.0}
    items = [UNIT, SHORT, LONG, IMAGE, SHORT]

    ordered = longest_first(items, seconds)

    assert ordered == [IMAGE, LONG, SHORT, SHORT, UNIT]


def test_durations_are_known_of_modules_that_there_are() -> None:
    known = known_seconds()

    assert known
    assert [module for module in known if not (TESTS.parent / module).is_file()] == []
    assert group_of(LONG) in known
    assert Path(group_of(LONG)).name == "test_pytest.py"
