"""Joins the recordings of several runs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from ctest_containers.usage.model import CLASS, MODULE, TEST, Usage
from ctest_containers.usage.packing import Packer
from ctest_containers.usage.recording import Recording, Run

FORGOTTEN_DAYS: Final = 90
"""Units that no run has recorded for this many days are forgotten as renamed or removed."""

UNKNOWN: Final = "unknown"
"""The id of no run."""


def joined(before: Recording, latest: Recording) -> Recording:
    """Return what two runs, or two processes of one run, have recorded.

    If both have recorded a test, the later run counts. What counts for several tests is united,
    because one run may import less than another, or fill fewer caches. Only the fixtures of a class
    or module are the same in every run.

    The earlier recording is left out if the later run has run all tests, or does not follow it: it
    is unknown then which of the tests that it has not run are affected by changes in between.

    Returns:
        A recording with the inputs of the latest.
    """
    if before.run.id == latest.run.id:
        follows = before.follows if before.follows == latest.follows else UNKNOWN
        is_complete = before.is_complete and latest.is_complete
        latest = replace(latest, follows=follows, is_complete=is_complete)
    elif latest.is_complete or latest.follows != before.run.id:
        return latest
    runs = _forget(dict(_runs(before, latest)))
    sources: dict[bool | None, list[str]] = {True: [], False: [], None: []}
    for unit in runs:
        sources[_is_from_latest(unit, before, latest)].append(unit)
    packer = Packer()
    packer.copy(before.units, sources[False])
    packer.copy(latest.units, sources[True])
    for unit in sources[None]:
        packer.add(unit, _either(before.units[unit], latest.units[unit]))
    return replace(
        latest,
        units=packer.packed(),
        runs={unit: runs[unit] for both in sources.values() for unit in both},
        marks=dict(_marks(before, latest)),
    )


def _runs(before: Recording, latest: Recording) -> Iterator[tuple[str, Run]]:
    """Yield the last run that has recorded each unit."""
    for unit in {**before.runs, **latest.runs}:
        first, second = before.runs.get(unit), latest.runs.get(unit)
        if first is None or (second is not None and second.at >= first.at):
            first = second
        assert first is not None
        yield unit, first


def _forget(runs: Mapping[str, Run]) -> dict[str, Run]:
    """Return only those that are still needed."""
    newest = max((run.at for run in runs.values()), default="")
    if not newest:
        return {**runs}
    day = dt.datetime.fromisoformat(newest).date() - dt.timedelta(days=FORGOTTEN_DAYS)
    kept = {unit: run for unit, run in runs.items() if run.at >= day.isoformat()}
    # A run records everything that its tests need, even if an earlier run has recorded it.
    oldest = min((run.at for unit, run in kept.items() if unit.startswith(TEST)), default="")
    return {unit: run for unit, run in kept.items() if run.at >= oldest}


def _is_from_latest(unit: str, before: Recording, latest: Recording) -> bool | None:
    """Return which recording a unit is taken from; None for both."""
    first, second = before.runs.get(unit), latest.runs.get(unit)
    if first is None or second is None:
        return first is None
    is_same_everywhere = unit.startswith((CLASS, MODULE)) and first.id != second.id
    if unit.startswith(TEST) or is_same_everywhere:
        return second.at >= first.at
    return None


def _either(before: Usage, latest: Usage) -> Usage:
    """Return what either has used; statements are not added up, as both are about the same code."""
    sent = {(statement.alias, statement.text) for statement in latest.statements}
    only = [each for each in before.statements if (each.alias, each.text) not in sent]
    united = replace(before, statements=()) | replace(latest, statements=())
    return replace(united, statements=(*latest.statements, *only))


def _marks(before: Recording, latest: Recording) -> Iterator[tuple[str, str]]:
    """Yield the marks of tests: those of the recording that has recorded the test later."""
    for test in {**before.marks, **latest.marks}:
        first, second = before.runs.get(f"{TEST}{test}"), latest.runs.get(f"{TEST}{test}")
        marks = [latest.marks.get(test), before.marks.get(test)]
        if second is not None and (first is None or first.at < second.at):
            marks = marks[:1]
        elif first is not None and (
            first.id == latest.run.id or (second is not None and first.at > second.at)
        ):
            # Another process of the latest run has run it, or a later run.
            marks = marks[1:]
        mark = next(filter(None, marks), None)
        if mark is not None:
            yield test, mark
