"""Finds the statements that a difference between databases can reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from ctest_containers.impact.schema import SchemaChange, touches
from ctest_containers.impact.schema_changes import schema_changes
from ctest_containers.impact.vendors import vendor_of
from ctest_containers.statements.touched import touched


def reaching(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> Callable[[str, str], str]:
    """Return what differs between the databases of two runs; see `Changes.reaches`.

    Args:
        recorded: Summaries of when tests were recorded, by alias.
        today: Today's summaries. Aliases that only the recording has are not compared.
    """
    compared = {alias: summary for alias, summary in recorded.items() if alias in today}
    changes: dict[str, list[SchemaChange]] = defaultdict(list)
    for change in schema_changes(compared, today):
        changes[change.alias].append(change)

    def reaches(alias: str, text: str) -> str:
        if alias not in changes:
            return ""
        statement = touched(text, vendor_of(alias))
        return next((change.text for change in changes[alias] if touches(change, statement)), "")

    return reaches
