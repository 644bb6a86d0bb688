"""What a migration uses from outside its folder is read from its text."""

from __future__ import annotations

from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.project.migration_reads import Reads, reads

PACKAGE = "app.migrations"


def names(text: str) -> set[str]:
    """The dotted names of what a migration uses of the project."""
    found = reads(dedent(text).encode(), PACKAGE).names
    return {name for name in found if name.startswith("app.")}


@pytest.mark.parametrize(
    ("line", "call", "name"),
    [
        ("from app.seed import fill", "fill()", "app.seed.fill"),
        ("from app.seed import fill as more", "more()", "app.seed.fill"),
        ("from app import seed", "seed.fill()", "app.seed.fill"),
        ("from app import VERSION", "print(VERSION)", "app.VERSION"),
        ("import app.seed", "app.seed.fill()", "app.seed.fill"),
        ("import app.seed as seed", "seed.fill()", "app.seed.fill"),
        ("import os, app.seed", "app.seed.fill()", "app.seed.fill"),
        ("import os; import app.seed", "app.seed.fill()", "app.seed.fill"),
        ("from app.seed import *", "fill()", "app.seed"),
        ("from ..seed import fill", "fill()", "app.seed.fill"),
        ("from..seed import fill", "fill()", "app.seed.fill"),
        ("from .. import seed", "seed.fill()", "app.seed.fill"),
        ("from .own import fill", "fill()", "app.migrations.own.fill"),
        ("from app import seed", "[seed]", "app.seed"),
    ],
)
def test_what_is_imported_is_found_however_it_is(line: str, call: str, name: str) -> None:
    assert name in names(f"{line}\ndef forwards(apps, editor):\n    {call}\n")
    assert name in names(f"{line}\nKEPT = {call}\n")
    if "*" not in line:
        assert name in names(f"def forwards(apps, editor):\n    {line}\n    {call}\n")


@pytest.mark.parametrize(
    "operation",
    [
        "migrations.RunPython(seed.fill, migrations.RunPython.noop)",
        "migrations.RunPython(code=seed.fill)",
        "RunSQL(sql=seed.SQL)",
        "migrations.RunPython(lambda apps, editor: seed.fill())",
        "seed.CreateView('view')",
        "migrations.SeparateDatabaseAndState([migrations.RunSQL(seed.SQL)])",
        "LoadSQL(seed.SQL)",
        "*seed.OPERATIONS",
        "*(migrations.RunPython(one) for one in seed.FILLS)",
        "migrations.AddField('item', 'price', seed.Money())",
        "migrations.AddConstraint('item', constraint=seed.positive('price'))",
        "migrations.CreateModel('Item', [('price', seed.Money())], options={'i': [seed.Index()]})",
    ],
)
def test_what_an_operation_calls_or_executes_is_used(operation: str) -> None:
    text = f"""
    from app import seed
    class Migration(migrations.Migration):
        operations = [{operation}]
    """

    assert any(name.startswith("app.seed.") for name in names(text))


@pytest.mark.parametrize(
    "operation",
    [
        "AddField('i', 'f', models.FileField(upload_to=app.models.folder))",
        "AddField('i', 'f', models.FileField(storage=app.models.Storage()))",
        "AddField('i', 'f', models.CharField(default=app.models.code))",
        "AddField('i', 'f', models.CharField(validators=[app.models.Check(1)]))",
        "CreateModel('I', [], bases=(app.models.Mixin, models.Model))",
        "CreateModel('I', [], managers=[('objects', app.models.Manager())])",
    ],
)
def test_what_a_migration_of_django_s_own_making_only_mentions_is_not_used(operation: str) -> None:
    """A module of models changes every day, and its template would be built anew each time."""
    text = f"""
    import django.utils.timezone
    import app.models
    class Migration(migrations.Migration):
        operations = [migrations.{operation}]
    """

    assert names(text) == set()


def test_of_two_modules_of_one_package_that_is_found_which_is_used() -> None:
    text = """
    import app.models
    import app.seed
    class Migration(migrations.Migration):
        operations = [
            migrations.AddField("i", "f", models.CharField(default=app.models.code)),
            migrations.RunPython(app.seed.fill),
        ]
    """

    assert names(text) == {"app.seed.fill"}


@pytest.mark.parametrize(
    "text",
    [
        "from django.db import migrations\nmigrations.RunPython(fill)",
        "import datetime, uuid\nuuid.uuid4()",
        "from ....... import nothing\nnothing()",
        "from app import seed\nthis is no Python",
        "from app import seed\n\0",
        "",
    ],
)
def test_nothing_is_found_where_there_is_nothing(text: str) -> None:
    assert reads(text.encode(), PACKAGE) == Reads()


@pytest.mark.parametrize(
    ("text", "fixtures", "files"),
    [
        ("call_command('loaddata', 'pages')", {"loaddata", "pages"}, set()),
        ("call_command('flush', 'pages')", set(), set()),
        ("open('sql/view.sql').read()", set(), {"sql/view.sql"}),
        ("(HERE / '../rows.json').read_text()", set(), {"../rows.json"}),
        ("open('migration.log', 'a').write('x')", set(), set()),
        ("(HERE / 'done.txt').write_text('x')", set(), set()),
        ("print('pages.json')", set(), set()),
    ],
)
def test_what_may_name_a_file_is_found_where_files_are_read(
    text: str, fixtures: set[str], files: set[str]
) -> None:
    found = reads(text.encode(), PACKAGE)

    assert (set(found.fixtures), set(found.files)) == (fixtures, files)


def test_commands_that_are_called_are_found() -> None:
    text = b"management.call_command('seed', 'more')\ncall_command(name)"

    assert reads(text, PACKAGE).commands == {"seed"}


@pytest.mark.parametrize(
    "expression",
    [" + ".join(["'x'"] * 900), "x" + ".a()" * 400, " | ".join(["Q(a=1)"] * 900)],
    ids=["sum", "chain", "conditions"],
)
def test_a_deep_expression_is_read_as_any_other(expression: str) -> None:
    assert names(f"from app.seed import fill\nX = {expression}\nfill()\n") >= {"app.seed.fill"}


def test_a_warning_about_a_migration_is_left_to_those_who_import_it() -> None:
    """Whatever they make of it: an error in this suite."""
    assert names("from app.seed import fill\nfill('\\d')\n") == {"app.seed.fill"}


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_text_is_read_without_an_error(text: bytes) -> None:
    reads(b"import app.seed\nopen(1)\n" + text, PACKAGE)
