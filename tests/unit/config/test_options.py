"""The table of what can be configured."""

from __future__ import annotations

import itertools
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest
from harness.configuration_table import table

from ctest_containers.config.model import Config
from ctest_containers.options.option import flag, setting, variable
from ctest_containers.options.values import (
    parse_choice,
    parse_count,
    parse_paths,
    parse_seconds,
    parse_text,
)

ROWS = fields(Config)


def _row(name: str) -> Field[Any]:
    return next(row for row in ROWS if row.name == name)


def test_a_field_names_its_option_variable_and_setting() -> None:
    row = _row("max_workers")

    names = (flag(row), variable(row), setting(row))

    assert names == ("--max-workers", "DJANGO_TEST_MAX_WORKERS", "MAX_WORKERS")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_the_table_has_a_line_for_every_field(row: Field[Any]) -> None:
    shown = f"`{flag(row)} {row.metadata['metavar']}".rstrip() + "`"
    lines = [line for line in table().splitlines() if shown in line]

    assert len(lines) == 1
    assert f"`{variable(row)}`" in lines[0]
    assert f'`"{setting(row)}"`' in lines[0]
    assert row.metadata["meaning"] in lines[0]


def test_the_table_has_a_part_for_each_section_and_no_other_lines() -> None:
    sections = dict.fromkeys(row.metadata["section"] for row in ROWS)
    lines = [line for line in table().splitlines() if line]

    assert [line for line in lines if line.startswith("#")] == [
        f"### {section.capitalize()}" for section in sections
    ]
    assert len(lines) == len(ROWS) + 3 * len(sections)


def test_every_line_of_the_table_has_the_same_cells() -> None:
    rows = [line for line in table().splitlines() if line.startswith("|")]

    assert {line.count("|") for line in rows} == {6}


def test_the_rows_of_a_section_stand_together() -> None:
    """Help begins a group of options where a section begins."""
    sections = [row.metadata["section"] for row in ROWS]

    assert len(list(itertools.groupby(sections))) == len(set(sections))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_meaning_is_a_sentence(row: Field[Any]) -> None:
    meaning = row.metadata["meaning"]

    assert meaning == meaning.strip()
    assert meaning[0].isupper()
    assert meaning.endswith(".")


def test_every_default_is_a_value_that_the_field_itself_accepts() -> None:
    """An empty default stands for a value that is found out; all others could be given."""
    given = [row for row in ROWS if row.default not in {"", (), None}]

    parsed = {row.name: row.metadata["parse"](row.default) for row in given}

    assert parsed == {row.name: row.default for row in given}


@pytest.mark.parametrize("value", ["", "   ", "\n"])
def test_a_text_must_not_be_empty(value: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        parse_text(value)


def test_a_text_loses_the_space_around_it() -> None:
    assert parse_text(" postgres:16 ") == "postgres:16"


@pytest.mark.parametrize("value", [0, -1, "0", "-2.5", "nan"])
def test_seconds_must_be_positive(value: object) -> None:
    with pytest.raises(ValueError, match="positive"):
        parse_seconds(value)


@pytest.mark.parametrize("value", ["inf", float("inf")])
def test_seconds_must_come_to_an_end(value: object) -> None:
    """No wait of the operating system takes infinity for its time-out."""
    with pytest.raises(ValueError, match="seconds"):
        parse_seconds(value)


@pytest.mark.parametrize("value", ["soon", "", None, [60]])
def test_seconds_must_be_a_number(value: object) -> None:
    with pytest.raises(ValueError, match="positive number"):
        parse_seconds(value)


@pytest.mark.parametrize(("value", "expected"), [(3, 3.0), ("2.5", 2.5), (0.25, 0.25)])
def test_seconds_may_be_a_number_or_its_text(value: object, expected: float) -> None:
    assert parse_seconds(value) == expected


@pytest.mark.parametrize("value", [0, -1, "0", "1.5", 1.5, "many", True, None])
def test_a_count_must_be_a_whole_number_from_one(value: object) -> None:
    with pytest.raises(ValueError, match=r"whole number|invalid literal"):
        parse_count(value)


@pytest.mark.parametrize(("value", "expected"), [(1, 1), ("16", 16), (" 4 ", 4)])
def test_a_count_may_be_a_number_or_its_text(value: object, expected: int) -> None:
    assert parse_count(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("a.json, b/*.sql ,", ("a.json", "b/*.sql")),
        (["a.json", Path("b.sql")], ("a.json", "b.sql")),
        (("a,b.json",), ("a,b.json",)),
        (Path("a,b.json"), ("a,b.json",)),
        ("", ()),
    ],
)
def test_paths_may_be_a_sequence_or_a_text_with_commas(
    value: object, expected: tuple[str, ...]
) -> None:
    assert parse_paths(value) == expected


@pytest.mark.parametrize("value", ["fork ", "FORK", "", None, ["fork"]])
def test_a_choice_must_be_one_of_the_words(value: object) -> None:
    with pytest.raises(ValueError, match="must be one of fork, spawn"):
        parse_choice("fork", "spawn")(value)
