"""Projects of a given size: tables, migrations and tests, always the same ones for a shape."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.histories import MANAGE

TABLES_OF_AN_APP: Final = 25
TESTS_OF_A_CLASS: Final = 10

SETTINGS: Final = """\
import os

SECRET_KEY = "of a benchmark"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", {apps}]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
# Their rows are created anew after a flush, with other keys.
TEST_NON_SERIALIZED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]

VENDOR = os.environ.get("BENCH_DB", "sqlite")
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}}}
if VENDOR != "sqlite":
    DATABASES["default"] = {{
        "ENGINE": f"django.db.backends.{{VENDOR}}",
        "NAME": "bench",
        "USER": "bench",
        "HOST": os.environ["BENCH_DB_HOST"],
        "PORT": os.environ["BENCH_DB_PORT"],
    }}
"""

MODEL: Final = """

class {name}(models.Model):
    name = models.CharField(max_length=40)
    number = models.IntegerField(db_index=True)
    parent = models.ForeignKey({parent!r}, models.CASCADE, null=True)
"""

MIGRATION: Final = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = {initial}
    dependencies = {dependencies}
    operations = [
{operations}    ]
"""

CREATE: Final = """\
        migrations.CreateModel(
            {name!r},
            [
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=40)),
                ("number", models.IntegerField(db_index=True)),
                ("parent", models.ForeignKey(to="{app}.{parent}", on_delete=models.CASCADE, null=True)),
            ],
        ),
"""  # noqa: E501  # Lines of a generated file.

ADD: Final = """\
        migrations.AddField({model!r}, {field!r}, models.IntegerField(default=0)),
"""

CLASS: Final = """

class {name}({kind}):
"""

TEST: Final = """\
    def test_{number:02}(self):
        made = [{model}.objects.create(name="row", number=number) for number in range(3)]
        self.assertEqual({model}.objects.filter(number__lt=2).count(), 2)
        {model}.objects.filter(pk=made[0].pk).update(name="changed")
        made[1].delete()
        names = {model}.objects.order_by("pk").values_list("name", flat=True)
        self.assertEqual(list(names), ["changed", "row"])

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The size of a project.

    Attributes:
        tables: Its own, beside those of Django's auth and contenttypes.
        migrations: Its own; about half of them make tables, the others add a column each.
        transaction_share: The share of the tests, from 0 to 1, after which Django flushes.
    """

    tables: int
    migrations: int
    tests: int
    transaction_share: float = 0.0

    def __post_init__(self) -> None:
        if min(self.tables, self.migrations, self.tests) < 1:
            raise ValueError("a project has at least one table, one migration and one test")
        if not 0 <= self.transaction_share <= 1:
            raise ValueError("a share is a number from 0 to 1")

    @property
    def transaction_tests(self) -> int:
        """How many of the tests are those of a TransactionTestCase."""
        return round(self.tests * self.transaction_share)

    @property
    def apps(self) -> int:
        """How many apps the tables are in."""
        return min(math.ceil(self.tables / TABLES_OF_AN_APP), self.migrations)


def write(shape: Shape, folder: Path) -> None:
    """Make a project of that shape in a new folder."""
    apps = [_App(shape, number) for number in range(shape.apps)]
    folder.mkdir(parents=True)
    names = ", ".join(f'"{app.name}"' for app in apps)
    (folder / "settings.py").write_text(SETTINGS.format(apps=names))
    (folder / "manage.py").write_text(MANAGE)
    for app in apps:
        migrations = folder / app.name / "migrations"
        migrations.mkdir(parents=True)
        (migrations.parent / "__init__.py").touch()
        (migrations / "__init__.py").touch()
        (migrations.parent / "models.py").write_text(app.models())
        (migrations.parent / "tests.py").write_text(app.cases())
        for name, text in app.history():
            (migrations / f"{name}.py").write_text(text)


class _App:
    """One app of a project: every so many-th table, migration and class of tests is its own."""

    def __init__(self, shape: Shape, number: int) -> None:
        self._shape, self._number = shape, number
        self.name = f"app{number:02}"
        self._tables = [f"Table{one:04}" for one in self._own(shape.tables)]
        creators = min(shape.tables, max(shape.apps, math.ceil(shape.migrations / 2)))
        self._creators = len(self._own(creators))
        # Where this app's share of the rest begins.
        adders = self._own(shape.migrations - creators)
        self._columns = [
            (self._tables[place % len(self._tables)], f"extra{place}")
            for place in range(len(adders))
        ]

    def models(self) -> str:
        """What the migrations come to."""
        text = "from django.db import models\n"
        for place, name in enumerate(self._tables):
            text += MODEL.format(name=name, parent=self._parent(place))
            for table, field in self._columns:
                if table == name:
                    text += f"    {field} = models.IntegerField(default=0)\n"
        return text

    def history(self) -> Iterator[tuple[str, str]]:
        """The migrations, each by its name."""
        steps = [*self._created(), *(ADD.format(model=m, field=f) for m, f in self._columns)]
        before = ""
        for place, operations in enumerate(steps, start=1):
            name = f"{place:04}_step"
            dependencies = [(self.name, before)] if before else []
            yield (
                name,
                MIGRATION.format(
                    initial=not before, dependencies=dependencies, operations=operations
                ),
            )
            before = name

    def cases(self) -> str:
        """The tests."""
        lines = "from django.test import TestCase, TransactionTestCase\n\n"
        lines += f"from {self.name}.models import {', '.join(self._tables)}\n"
        flushing = self._shape.transaction_tests
        for kind, prefix, count in (
            ("TestCase", "Plain", self._shape.tests - flushing),
            ("TransactionTestCase", "Flushing", flushing),
        ):
            for number in self._own(math.ceil(count / TESTS_OF_A_CLASS)):
                first = number * TESTS_OF_A_CLASS
                lines += CLASS.format(name=f"{prefix}{number:04}Tests", kind=kind)
                for place in range(first, min(first + TESTS_OF_A_CLASS, count)):
                    model = self._tables[place % len(self._tables)]
                    lines += TEST.format(number=place - first, model=model)
        return lines

    def _created(self) -> Iterator[str]:
        """For each migration that makes tables, its operations."""
        count = len(self._tables)
        for part in range(self._creators):
            places = range(part * count // self._creators, (part + 1) * count // self._creators)
            yield "".join(
                CREATE.format(name=self._tables[place], app=self.name, parent=self._parent(place))
                for place in places
            )

    def _parent(self, place: int) -> str:
        return self._tables[max(0, place - 1)]

    def _own(self, count: int) -> range:
        return range(self._number, count, self._shape.apps)
