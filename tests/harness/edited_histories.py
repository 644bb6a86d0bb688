"""Projects whose migrations are added, edited, removed and squashed, anywhere in their history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from harness.histories import KEEP_LAYERS

APPS = ("base", "later")

SETTINGS = """
import os
SECRET_KEY = "secret"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "base", "later"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
VENDOR = os.environ.get("HISTORY_DB", "sqlite3")
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{VENDOR}",
        "NAME": "history" if VENDOR != "sqlite3" else ":memory:",
        "USER": "history",
        "HOST": os.environ.get("HISTORY_DB_HOST", "127.0.0.1"),
        "PORT": os.environ.get("HISTORY_DB_PORT", "1"),
    }
}
"""

RECEIVER = """
from django.apps import AppConfig
from django.db.models.signals import post_migrate


def note(sender, plan, apps, **kwargs):
    Log = apps.get_model("base", "Log")
    Log.objects.create(text=f"{sender.label}: {len(plan)} migrations, {Log.objects.count()} rows")


class Config(AppConfig):
    name = "base"

    def ready(self):
        post_migrate.connect(note)
"""

MIGRATION = """
from django.db import migrations, models


def log(text):
    def write(apps, schema_editor):
        Log, Permission = apps.get_model("base", "Log"), apps.get_model("auth", "Permission")
        rows, permissions = Log.objects.count(), Permission.objects.count()
        Log.objects.create(text=f"{{text}}: {{rows}} rows, {{permissions}} permissions")
    return migrations.RunPython(write, migrations.RunPython.noop)


def note(app, text):
    def write(apps, schema_editor):
        Note = apps.get_model(app, "Note")
        Note.objects.create(text=f"{{text}}: {{Note.objects.count()}} rows")
    return migrations.RunPython(write, migrations.RunPython.noop)


class Migration(migrations.Migration):
    dependencies = {dependencies}
    replaces = {replaces}
    operations = [
        {operations}
    ]
"""

ROWS = """
import os
from urllib.parse import unquote, urlsplit

import django
from django.conf import settings
from django.db import connection

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
if "DATABASE_URL" in os.environ:
    url = urlsplit(os.environ["DATABASE_URL"])
    settings.DATABASES["default"].update(
        HOST=url.hostname,
        PORT=str(url.port),
        NAME=url.path.strip("/"),
        USER=unquote(url.username or ""),
        PASSWORD=unquote(url.password or ""),
    )
    django.setup()
else:
    django.setup()
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
for table in sorted(connection.introspection.table_names()):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
        for row in cursor.fetchall():
            print("row", table, [value for value in row if not hasattr(value, "year")])
"""
"""Prints all rows in the order in which the server has them, without moments.

Without the address of a database, they are those of one that Django has migrated just now.
"""

ID = "('id', models.BigAutoField(primary_key=True))"


@dataclass(slots=True)
class Migration:
    """A migration as it is now."""

    name: str
    dependencies: list[tuple[str, str]]
    operations: list[str]
    replaces: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class EditedHistory:
    """Writes and changes migrations; each change leaves a project that can be migrated.

    Args:
        folder: Where the project is made.
        has_receiver: Whether it has a receiver of `post_migrate` that notes what it is sent.
    """

    folder: Path
    has_receiver: bool = False
    _migrations: dict[str, list[Migration]] = field(default_factory=dict)
    _count: int = 0

    def __post_init__(self) -> None:
        for app in APPS:
            (self.folder / app / "migrations").mkdir(parents=True)
            for name in ("__init__.py", "migrations/__init__.py"):
                (self.folder / app / name).touch()
            self._migrations[app] = []
        (self.folder / "settings.py").write_text(SETTINGS + KEEP_LAYERS)
        (self.folder / "rows.py").write_text(ROWS)
        if self.has_receiver:
            (self.folder / "base" / "apps.py").write_text(RECEIVER)
        (self.folder / "base" / "tests.py").write_text(
            dedent("""
            from django.test import TestCase

            class Any(TestCase):
                def test_it(self):
                    pass
            """)
        )
        log, notes = (
            f"migrations.CreateModel({name!r}, [{ID}, ('text', models.TextField())])"
            for name in ("Log", "Note")
        )
        last = ("auth", "0012_alter_user_first_name_max_length")
        self._migrations["base"].append(Migration("0001_log", [last], [log, notes]))
        self._migrations["later"].append(Migration("0001_first", [("base", "0001_log")], [notes]))
        self._write()

    def change(self, step: Sequence[int]) -> str:
        """Change something that some numbers decide on, and say what."""
        kind, app = step[0] % 7, APPS[step[1] % len(APPS)]
        mine = self._migrations[app]
        place = step[2] % len(mine)
        self._count += 1
        said = ""
        if kind == 1:
            mine[place].operations.append(f"log('edit {self._count}')")
            said = f"{app}.{mine[place].name} edited"
        elif kind == 2 and len(mine) > 2 and self._is_last(app):
            said = f"{app}.{mine.pop().name} removed"
        elif kind == 3 and len(mine) > 3 and self._is_last(app) and not mine[-1].replaces:
            said = self._squash(app)
        if not said:
            operation = f"log('new {self._count}')"
            if kind == 4:
                operation = f"migrations.CreateModel('Model{self._count}', [{ID}])"
            elif kind == 6:
                operation = f"note({app!r}, 'new {self._count}')"
            dependencies = [(app, mine[-1].name)]
            if kind == 5:
                other = APPS[(step[1] + 1) % len(APPS)]
                dependencies.append((other, self._migrations[other][-1].name))
            mine.append(Migration(f"{self._count + 1:04}_step", dependencies, [operation]))
            said = f"{app}.{mine[-1].name} added"
        self._write()
        return said

    def _squash(self, app: str) -> str:
        mine = self._migrations[app]
        first, second = mine[-2:]
        if first.replaces:
            return ""
        mine[-2:] = [
            Migration(
                f"{first.name}_squashed_{second.name}",
                [*first.dependencies, *(one for one in second.dependencies if one[0] != app)],
                first.operations + second.operations,
                [(app, first.name), (app, second.name)],
            )
        ]
        return f"{app}.{mine[-1].name} squashed"

    def _is_last(self, app: str) -> bool:
        """Whether no migration of another app needs the last two of this one."""
        names = {(app, one.name) for one in self._migrations[app][-2:]}
        others = (one for other in APPS if other != app for one in self._migrations[other])
        return not any(names & set(one.dependencies) for one in others)

    def _write(self) -> None:
        for app, migrations in self._migrations.items():
            folder = self.folder / app / "migrations"
            texts = {
                f"{one.name}.py": MIGRATION.format(
                    dependencies=one.dependencies,
                    replaces=one.replaces,
                    operations=",\n        ".join(one.operations),
                )
                for one in migrations
            }
            # What a squashed migration replaces may stay or go.
            for file in folder.glob("0*.py"):
                if file.name not in texts:
                    file.unlink()
            for name, text in texts.items():
                if not (folder / name).exists() or (folder / name).read_text() != text:
                    (folder / name).write_text(text)
