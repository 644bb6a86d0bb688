"""Projects that are generated."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from harness.bench.generated import Shape, write

SHAPES = [
    Shape(tables=1, migrations=1, tests=1),
    Shape(tables=60, migrations=7, tests=25, transaction_share=0.3),
    Shape(tables=30, migrations=120, tests=103, transaction_share=1.0),
    Shape(tables=26, migrations=26, tests=40),
    Shape(tables=100, migrations=2, tests=9, transaction_share=0.5),
]


def _files(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): file.read_text()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def _all(files: dict[str, str], ending: str) -> str:
    return "".join(text for name, text in files.items() if name.endswith(ending))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_project_has_as_many_tables_migrations_and_tests_as_asked_for(
    shape: Shape, tmp_path: Path
) -> None:
    write(shape, tmp_path / "project")

    files = _files(tmp_path / "project")
    migrations = [name for name in files if re.search(r"migrations/\d+", name)]
    assert len(migrations) == shape.migrations
    assert _all(files, "_step.py").count("CreateModel(") == shape.tables
    assert _all(files, "models.py").count("(models.Model)") == shape.tables
    assert _all(files, "tests.py").count("    def test_") == shape.tests


@pytest.mark.parametrize("shape", SHAPES)
def test_a_share_of_the_tests_are_those_after_which_django_flushes(
    shape: Shape, tmp_path: Path
) -> None:
    write(shape, tmp_path / "project")

    tests = _all(_files(tmp_path / "project"), "tests.py")
    classes = re.split(r"^class ", tests, flags=re.MULTILINE)[1:]
    flushing = [one for one in classes if "(TransactionTestCase)" in one.splitlines()[0]]
    assert "".join(flushing).count("    def test_") == shape.transaction_tests


def test_the_same_shape_gives_the_same_project_byte_by_byte(tmp_path: Path) -> None:
    shape = Shape(tables=31, migrations=45, tests=50, transaction_share=0.2)

    write(shape, tmp_path / "first")
    write(shape, tmp_path / "second")

    assert _files(tmp_path / "first") == _files(tmp_path / "second")


def test_what_is_generated_can_be_parsed_and_models_have_the_columns_of_migrations(
    tmp_path: Path,
) -> None:
    write(Shape(tables=27, migrations=80, tests=30), tmp_path / "project")

    files = _files(tmp_path / "project")
    for text in files.values():
        ast.parse(text)
    added = re.findall(r"AddField\('(\w+)', '(\w+)'", _all(files, "_step.py"))
    shown = re.findall(r"^    (extra\d+) = ", _all(files, "models.py"), re.MULTILINE)
    assert len(added) == len(set(added))
    assert sorted(field for _, field in added) == sorted(shown)


@pytest.mark.parametrize(
    ("tables", "share"), [pytest.param(0, 0.0, id="no table"), pytest.param(1, 1.5, id="share")]
)
def test_an_impossible_shape_is_refused(tables: int, share: float) -> None:
    with pytest.raises(ValueError, match="a"):
        Shape(tables=tables, migrations=1, tests=1, transaction_share=share)
