"""Keeps the inputs of a recording up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ctest_containers.impact.changes import Changes, changed_migrations, changes_since, named_in
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.select import select
from ctest_containers.impact.today import Today
from ctest_containers.usage.model import TEST
from ctest_containers.usage.recording import Recording

ANOTHER_FORMAT = "the recording was made by another version of the toolkit"


def changes_of(inputs: Inputs | None, today: Today) -> Changes:
    """Return what has changed since a recording; databases are compared elsewhere.

    Args:
        inputs: Those of the recording; None if this version cannot read them.
    """
    if inputs is None:
        return Changes(everything=(ANOTHER_FORMAT,))
    return changes_since(inputs, today.today(inputs), is_named=named_in(today))


def stale(
    recording: Recording, today: Today, reaches: Callable[[str, str], str] | None = None
) -> dict[str, str]:
    """Return the recorded tests that changes can reach, each with a reason.

    They have to run again, whether this run contains them or not.

    Args:
        reaches: See `Changes.reaches`; None if databases were not compared.
    """
    if not recording.units:
        return {}
    inputs = Inputs.from_json(recording.inputs)
    changes = changes_of(inputs, today)
    if reaches is not None:
        changes |= Changes(reaches=reaches)
    elif inputs is not None and changed_migrations(inputs, today):
        changes |= Changes(everything=("migrations changed",))
    if not changes:
        return {}
    tests = [unit.removeprefix(TEST) for unit in recording.units if unit.startswith(TEST)]
    selection = select(tests, recording.units, {}, inputs or Inputs(), changes)
    return selection.stale


def merge_inputs(first: Mapping[str, Any], second: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the inputs of two recordings of one project; see `Inputs.merged`."""
    parts = [Inputs.from_json(data) for data in (first, second) if data]
    if not parts or None in parts:
        return second or first
    merged = parts[0]
    for part in parts[1:]:
        assert merged is not None
        assert part is not None
        merged = merged.merged(part)
    assert merged is not None
    return merged.to_json()
