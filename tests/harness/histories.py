"""Projects whose migrations are generated: apps with tables that come, change and go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

APPS = ("first", "second")

KEEP_LAYERS = """
# A build keeps layers, however short it is: before each migration on SQLite, and three on a server.
from ctest_containers.template import pace
if "WITHOUT_LAYERS" not in os.environ:
    pace.FACTOR = 0
    pace.PARTS = {False: 1000, True: 3}
"""
"""What settings may say that import os."""

KEEP_THE_LAST_LAYER = """
# A build keeps one layer, however short it is: before its last migration.
from ctest_containers.template import pace
pace.FACTOR = 0
pace.PARTS = dict.fromkeys(pace.PARTS, 1)
"""

SETTINGS = """
import os
SECRET_KEY = "secret"
INSTALLED_APPS = ["django.contrib.contenttypes", "first", "second"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
VENDOR = os.environ.get("HISTORY_DB", "sqlite3")
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{VENDOR}",
        "NAME": "history" if VENDOR != "sqlite3" else ":memory:",
        "USER": "history",
        "HOST": "127.0.0.1",
        "PORT": "1",
    }
}
"""

MANAGE = """
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

MIGRATION = """
from django.db import migrations, models

def add_row(model):
    def add(apps, schema_editor):
        apps.get_model({app!r}, model).objects.create()
    return migrations.RunPython(add, migrations.RunPython.noop)

class Migration(migrations.Migration):
    dependencies = {dependencies}
    operations = [{operation}]
"""

COLUMNS = {
    "number": "models.IntegerField(default=7, db_index=True)",
    "name": "models.CharField(max_length=20, default='', unique=False)",
    "amount": "models.DecimalField(max_digits=9, decimal_places=2, null=True)",
    "moment": "models.DateTimeField(null=True)",
}


@dataclass(slots=True)
class Table:
    """A model as the migrations so far have left it.

    Attributes:
        columns: Their kinds by their names.
        indexes: The names of the indexes on each column, which have to go before it does.
    """

    columns: dict[str, str] = field(default_factory=dict)
    indexes: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class History:
    """Writes migrations one after another, each of which fits what there is.

    Args:
        folder: Where the project is made.
    """

    folder: Path
    _tables: dict[str, dict[str, Table]] = field(default_factory=dict)
    _last: dict[str, str] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "settings.py").write_text(SETTINGS + KEEP_LAYERS)
        (self.folder / "manage.py").write_text(MANAGE)
        for app in APPS:
            (self.folder / app / "migrations").mkdir(parents=True)
            (self.folder / app / "__init__.py").touch()
            (self.folder / app / "migrations" / "__init__.py").touch()
            self._tables[app] = {}
        (self.folder / "first" / "tests.py").write_text(
            "from django.test import TestCase\n"
            "class Any(TestCase):\n    def test_it(self):\n        pass\n"
        )

    def add(self, step: Sequence[int]) -> str:
        """Write the next migration, which some numbers decide on, and give its name."""
        app = APPS[step[0] % len(APPS)]
        tables = self._tables[app]
        self._count += 1
        operation = self._operation(tables, step)
        name = f"{self._count:04}_step"
        dependencies = [(app, self._last[app])] if app in self._last else []
        other = APPS[(step[0] + 1) % len(APPS)]
        if step[3] % 4 == 0 and other in self._last:
            dependencies.append((other, self._last[other]))
        text = MIGRATION.format(app=app, dependencies=dependencies, operation=operation)
        (self.folder / app / "migrations" / f"{name}.py").write_text(text)
        self._last[app] = name
        return f"{app}.{name}"

    def _operation(self, tables: dict[str, Table], step: Sequence[int]) -> str:
        _, kind, which, how = step
        names = sorted(tables)
        if not names or kind == 0:
            name = f"Model{self._count}"
            tables[name] = Table()
            return (
                f"migrations.CreateModel({name!r}, "
                "[('id', models.BigAutoField(primary_key=True, serialize=False))])"
            )
        model = names[which % len(names)]
        columns, indexes = tables[model].columns, tables[model].indexes
        present = sorted(columns)
        if kind == 1 or not present:
            name = f"column{self._count}"
            columns[name] = sorted(COLUMNS)[how % len(COLUMNS)]
            indexes[name] = []
            return f"migrations.AddField({model!r}, {name!r}, {COLUMNS[columns[name]]})"
        column = present[how % len(present)]
        gone = [f"migrations.RemoveIndex({model!r}, {index!r})" for index in indexes[column]]
        if kind == 2:
            del columns[column], indexes[column]
            return ", ".join([*gone, f"migrations.RemoveField({model!r}, {column!r})"])
        if kind == 3:
            new = f"renamed{self._count}"
            columns[new], indexes[new] = columns.pop(column), []
            del indexes[column]
            # Django's RenameField leaves the old name in the indexes of its state.
            return ", ".join([*gone, f"migrations.RenameField({model!r}, {column!r}, {new!r})"])
        if kind == 4:
            index = f"index_{self._count}"
            indexes[column].append(index)
            return (
                f"migrations.AddIndex({model!r}, models.Index(fields=[{column!r}], name={index!r}))"
            )
        if kind == 5:
            del tables[model]
            return f"migrations.DeleteModel({model!r})"
        return f"add_row({model!r})"
