"""Says which rows differ between two databases, and applies a difference to a third one."""

from __future__ import annotations

from ctest_containers.backends.rows import DatabaseLocation
from ctest_containers.rows.applying import apply
from ctest_containers.rows.comparing import difference
from ctest_containers.rows.document import from_json, to_json
from ctest_containers.rows.model import (
    CounterChange,
    DatabaseDifference,
    RowChange,
    TableDifference,
)

__all__ = [
    "CounterChange",
    "DatabaseDifference",
    "DatabaseLocation",
    "RowChange",
    "TableDifference",
    "apply",
    "difference",
    "from_json",
    "to_json",
]
