"""Marks the tests of the benchmarks, which no code of the package depends on."""

from __future__ import annotations

import pytest
from harness.tiers import further


def pytest_itemcollected(item: pytest.Item) -> None:
    """Leave them to `scripts/test --all`."""
    item.add_marker(further("It is about the benchmarks, on which nothing of the package depends."))
