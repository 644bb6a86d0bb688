"""A recording holds what was recorded, however it is packed, stored and joined."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.usage.encoding import from_bytes, to_bytes
from ctest_containers.usage.merging import joined
from ctest_containers.usage.model import StatementUsage, Usage
from ctest_containers.usage.packing import Packer, pack
from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.units import KINDS

NAMES = st.sampled_from(["a", "b", "ä/\udcff", ""]) | st.text(max_size=3)
PAIRS = {
    "functions": st.tuples(NAMES, st.integers(1, 9)),
    "definitions": st.tuples(NAMES, NAMES),
}
STATEMENTS = st.builds(
    StatementUsage,
    text=NAMES,
    alias=st.sampled_from(["default", "other"]),
    count=st.integers(1, 9),
    seconds=st.integers(0, 10_000_000).map(lambda microseconds: microseconds / 1_000_000),
    places=st.dictionaries(NAMES, st.integers(1, 9), max_size=2),
)
USAGES = st.builds(
    Usage,
    **{kind: st.frozensets(PAIRS.get(kind, NAMES), max_size=3) for kind in KINDS},
    statements=st.lists(
        STATEMENTS, max_size=3, unique_by=lambda statement: (statement.alias, statement.text)
    ).map(tuple),
)
UNITS = st.dictionaries(
    st.sampled_from(["base", "class a.B", "import a", "test a.B.c", "test a.B.d"]), USAGES
)
RUNS = st.builds(Run, st.sampled_from("abc"), st.dates().map(lambda day: f"{day}T10:00:00+00:00"))
MARKS = st.dictionaries(st.sampled_from(["a.B.c", "a.B.d", "a.B.e"]), st.just("failed"))
RECORDINGS = st.builds(
    lambda run, units, marks: Recording(
        run=run,
        units=pack(units),
        runs={unit: run for unit in units},  # noqa: C420
        marks=marks,
        inputs={"files": {"a": [run.id, 1]}},
    ),
    RUNS,
    UNITS,
    MARKS,
)


def test_the_strategy_has_every_kind() -> None:
    assert {*KINDS, "statements"} == {kind.name for kind in fields(Usage)}


@given(UNITS)
def test_units_hold_what_was_packed(units: dict[str, Usage]) -> None:
    assert dict(pack(units)) == units


@given(UNITS, st.data())
def test_units_that_are_copied_stay_the_same(units: dict[str, Usage], data: st.DataObject) -> None:
    names = data.draw(st.lists(st.sampled_from(sorted(units) or ["-"]), unique=True))
    packer = Packer()
    for unit in set(units) - set(names):
        packer.add(unit, units[unit])
    packer.copy(pack(units), [name for name in names if name in units])

    assert dict(packer.packed()) == units


@given(RECORDINGS)
def test_a_file_holds_what_was_written(recording: Recording) -> None:
    again = from_bytes(to_bytes(recording))

    assert dict(again.units) == dict(recording.units)
    assert replace(again, units=recording.units) == recording


@given(RECORDINGS, st.data())
def test_a_damaged_file_is_never_taken_for_another(
    recording: Recording, data: st.DataObject
) -> None:
    content = bytearray(to_bytes(recording))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))

    try:
        again = from_bytes(bytes(content))
    except ValueError:
        return
    # Some bits of compressed data have no meaning.
    assert dict(again.units) == dict(recording.units)


@given(RECORDINGS, RECORDINGS)
def test_what_still_counts_is_never_lost(before: Recording, latest: Recording) -> None:
    latest = replace(latest, follows=before.run.id)

    after = joined(before, latest)

    for unit, run in after.runs.items():
        others = [each for each in (before, latest) if unit in each.units]
        newest = [each.units[unit].files for each in others if each.runs[unit] == run]
        if unit.startswith("test"):
            assert after.units[unit].files == newest[-1]
        if unit in {"base", "import a"}:
            every = [each.units[unit].files for each in others]
            assert after.units[unit].files == frozenset().union(*every)
    for test in latest.marks:
        if f"test {test}" not in before.units:
            assert test in after.marks
