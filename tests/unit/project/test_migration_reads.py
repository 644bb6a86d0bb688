"""What a migration uses from outside its folder is read from its text."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.project.migration_reads import Reads, reads

PACKAGE = "unit_read.migrations"


@pytest.fixture(autouse=True)
def _a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The app of the migrations; its modules are not imported to be found."""
    monkeypatch.syspath_prepend(str(tmp_path))
    for file in ("__init__", "migrations/__init__", "migrations/own", "rows/__init__"):
        (tmp_path / "unit_read" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "unit_read" / f"{file}.py").touch()
    for file in ("seed", "models", "rows/more"):
        (tmp_path / "unit_read" / f"{file}.py").write_text("1 / 0\n")
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "unit_read"]:
        del sys.modules[name]


def modules(text: str) -> set[str]:
    """The modules that a migration uses."""
    return set(reads(dedent(text).encode(), PACKAGE).modules)


@pytest.mark.parametrize(
    ("line", "call", "module"),
    [
        ("from unit_read.seed import fill", "fill()", "unit_read.seed"),
        ("from unit_read.seed import fill as more", "more()", "unit_read.seed"),
        ("from unit_read import seed", "seed.fill()", "unit_read.seed"),
        ("from unit_read import VERSION", "print(VERSION)", "unit_read"),
        ("from unit_read.rows import more", "more.ROWS", "unit_read.rows.more"),
        ("from unit_read.rows import ROWS", "ROWS", "unit_read.rows"),
        ("import unit_read.seed", "unit_read.seed.fill()", "unit_read.seed"),
        ("import unit_read.seed as seed", "seed.fill()", "unit_read.seed"),
        ("from unit_read.seed import *", "fill()", "unit_read.seed"),
        ("from ..seed import fill", "fill()", "unit_read.seed"),
        ("from .. import seed", "seed.fill()", "unit_read.seed"),
    ],
)
def test_a_module_is_found_however_it_is_imported(line: str, call: str, module: str) -> None:
    assert modules(f"{line}\ndef forwards(apps, editor):\n    {call}\n") == {module}
    assert modules(f"{line}\nKEPT = {call}\n") == {module}
    if "*" not in line:
        assert modules(f"def forwards(apps, editor):\n    {line}\n    {call}\n") == {module}


@pytest.mark.parametrize(
    "operation",
    [
        "migrations.RunPython(seed.fill, migrations.RunPython.noop)",
        "migrations.RunPython(code=seed.fill)",
        "RunSQL(sql=seed.SQL)",
        "migrations.RunPython(lambda apps, editor: seed.fill())",
        "seed.CreateView('view')",
        "migrations.SeparateDatabaseAndState([migrations.RunSQL(seed.SQL)])",
        "migrations.AddField('item', 'price', seed.Money())",
        "migrations.AddConstraint('item', constraint=seed.positive('price'))",
        "migrations.CreateModel('Item', [('price', seed.Money())], options={'i': [seed.Index()]})",
    ],
)
def test_what_an_operation_calls_or_executes_is_used(operation: str) -> None:
    text = f"""
    from unit_read import seed
    class Migration(migrations.Migration):
        operations = [{operation}]
    """

    assert modules(text) == {"unit_read.seed"}


@pytest.mark.parametrize(
    "operation",
    [
        "AddField('i', 'f', models.FileField(upload_to=unit_read.models.folder))",
        "AddField('i', 'f', models.FileField(storage=unit_read.models.Storage()))",
        "AddField('i', 'f', models.CharField(default=unit_read.models.code))",
        "AddField('i', 'f', models.CharField(validators=[unit_read.models.Check(1)]))",
        "CreateModel('I', [], bases=(unit_read.models.Mixin, models.Model))",
        "CreateModel('I', [], managers=[('objects', unit_read.models.Manager())])",
    ],
)
def test_what_a_migration_of_django_s_own_making_only_mentions_is_not_used(operation: str) -> None:
    """A module of models changes every day, and its template would be built anew each time."""
    text = f"""
    import django.utils.timezone
    import unit_read.models
    class Migration(migrations.Migration):
        operations = [migrations.{operation}]
    """

    assert modules(text) == set()


def test_of_two_modules_of_one_package_that_is_found_which_is_used() -> None:
    text = """
    import unit_read.models
    import unit_read.seed
    class Migration(migrations.Migration):
        operations = [
            migrations.AddField("i", "f", models.CharField(default=unit_read.models.code)),
            migrations.RunPython(unit_read.seed.fill),
        ]
    """

    assert modules(text) == {"unit_read.seed"}


@pytest.mark.parametrize(
    "text",
    [
        "from django.db import migrations\nmigrations.RunPython(fill)",
        "import os, json\nos.getcwd()",
        "from . import own\nown.fill()",
        "from .own import fill\nfill()",
        f"from {PACKAGE}.own import fill\nfill()",
        "from ....... import nothing\nnothing()",
        "from unit_read import seed\nthis is no Python",
        "from unit_read import seed\n\0",
        "",
    ],
)
def test_what_is_django_s_python_s_or_in_the_folder_itself_and_what_is_no_migration_is_left_out(
    text: str,
) -> None:
    assert reads(text.encode(), PACKAGE) == Reads()


@pytest.mark.parametrize(
    ("text", "files"),
    [
        ("call_command('loaddata', 'pages', verbosity=0)", {"loaddata", "pages"}),
        ("open('sql/view.sql').read()", {"sql/view.sql"}),
        ("(HERE / '../rows.json').read_text()", {"../rows.json"}),
        ("open('/absolute/path.sql')", set()),
        ("open('SELECT 1 FROM item WHERE x = %s')", set()),
        ("print('pages')", set()),
    ],
)
def test_what_may_name_a_file_is_found_where_files_are_read(text: str, files: set[str]) -> None:
    assert set(reads(text.encode(), PACKAGE).files) == files


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_text_is_read_without_an_error(text: bytes) -> None:
    reads(b"import unit_read.seed\nopen(1)\n" + text, PACKAGE)
