"""A template to which migrations were added has the rows of one that was built from scratch."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from textwrap import dedent, indent

import pytest
from harness.histories import KEEP_LAYERS
from harness.projects import environment, run
from harness.tampering import change_database, template_of

SETTINGS = """
import os
SECRET_KEY = "not-a-secret"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "stock"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
"""

TEST = """
from django.test import TestCase

class AnyTest(TestCase):
    def test_it(self):
        pass
"""

FIRST = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        dependencies = [("auth", "0012_alter_user_first_name_max_length")]
        operations = [
            migrations.CreateModel(
                "Item",
                [("id", models.BigAutoField(primary_key=True)), ("name", models.TextField())],
            )
        ]
"""

SECOND = """
    from django.db import migrations

    def change(apps, schema_editor):
        Item = apps.get_model("stock", "Item")
        Group = apps.get_model("auth", "Group")
        Permission = apps.get_model("auth", "Permission")
        {body}

    class Migration(migrations.Migration):
        dependencies = [("stock", "0001_first")]
        operations = [migrations.RunPython(change)]
"""

GRANT = """
        group = Group.objects.create(name="keepers")
        for one in Permission.objects.filter(codename="add_item"):
            group.permissions.add(one)
"""

RECEIVER = """
    from django.apps import AppConfig
    from django.db.models.signals import post_migrate

    def fill(apps, **kwargs):
        Item = apps.get_model("stock", "Item")
        Item.objects.get_or_create(name="made after the last migration")

    class StockConfig(AppConfig):
        name = "stock"

        def ready(self):
            post_migrate.connect(fill, sender=self)
"""


KEEP_NONE = """
from ctest_containers.template import pace
pace.FACTOR = 1_000_000
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one migration."""
    folder = tmp_path / "store"
    (folder / "stock" / "migrations").mkdir(parents=True)
    for name in ("__init__.py", "models.py", "migrations/__init__.py"):
        (folder / "stock" / name).touch()
    (folder / "settings.py").write_text(SETTINGS + KEEP_LAYERS)
    (folder / "stock" / "tests.py").write_text(TEST)
    (folder / "stock" / "migrations" / "0001_first.py").write_text(dedent(FIRST))
    return folder


def rows(cache: Path) -> list[set[str]]:
    """The groups with their permissions, and the items, of each template, the oldest first."""
    files = [file for file in cache.rglob("*.sqlite3") if "layer-" not in str(file)]
    found = []
    for file in sorted(files, key=lambda file: file.stat().st_mtime):
        with closing(sqlite3.connect(file)) as database:
            groups = database.execute(
                "SELECT g.name || p.codename FROM auth_group g "
                "JOIN auth_group_permissions b ON b.group_id = g.id "
                "JOIN auth_permission p ON p.id = b.permission_id"
            )
            items = database.execute("SELECT name FROM stock_item")
            found.append({one for (one,) in [*groups.fetchall(), *items.fetchall()]})
    return found


@pytest.mark.parametrize(
    ("body", "receiver"),
    [
        ("Item.objects.create(name='one')", ""),
        (GRANT, ""),
        ("Item.objects.create(name=str(Item.objects.count()))", RECEIVER),
    ],
    ids=["rows of its own", "permissions", "a receiver of its own"],
)
def test_a_new_migration_with_data_leaves_the_same_rows(
    body: str, receiver: str, project: Path, tmp_path: Path
) -> None:
    if receiver:
        (project / "stock" / "apps.py").write_text(dedent(receiver))
    options = ["template", "build", "--settings", "settings"]
    cache = tmp_path / "cache"
    env = environment(cache, {"DOCKER_HOST": "unix:///nonexistent"})
    run(project, *options, env=env)
    (project / "stock" / "migrations" / "0002_second.py").write_text(
        dedent(SECOND).replace("{body}", dedent(body).replace("\n", "\n    "))
    )

    added = run(project, *options, env=env)
    grown = rows(cache)[-1]
    run(project, *options, "--rebuild", env=env)

    assert "incrementally" in added.output, added.output
    assert grown == rows(cache)[-1]


OBSTACLES = {
    "written": ("open('seed.log', 'w').close()", "seed.log was written to while migrations ran"),
    "environment": (
        "__import__('os').environ['SEED'] = 'acme'",
        "a migration changed the environment",
    ),
    "session": (
        "schema_editor.execute('PRAGMA case_sensitive_like = 1')",
        "a migration changed the session of the database 'default'",
    ),
    "temporary table": (
        "schema_editor.execute('CREATE TEMP TABLE seeds (id INTEGER)')",
        "a migration changed the session of the database 'default'",
    ),
    "models": (
        "__import__('django.apps').apps.apps.get_models()",
        "a migration used today's models instead of those of its state",
    ),
    "iterator": (
        "Item.objects.create(name=str(next(NUMBERS)))",
        "stock.migrations.0002_second.NUMBERS has a state that cannot be compared",
    ),
}
"""What a migration does after which no build can resume, and how that is said."""


@pytest.mark.parametrize(("body", "said"), OBSTACLES.values(), ids=OBSTACLES)
def test_why_no_build_can_resume_from_a_template_is_said(
    body: str, said: str, project: Path, tmp_path: Path
) -> None:
    # There is no layer of an earlier migration.
    (project / "settings.py").write_text(SETTINGS + KEEP_NONE)
    migrations = project / "stock" / "migrations"
    second = "import itertools\nNUMBERS = itertools.count()\n" + dedent(SECOND)
    (migrations / "0002_second.py").write_text(second.replace("{body}", body))
    options = ["template", "build", "--settings", "settings"]
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    first = run(project, *options, env=env)
    third = dedent(SECOND).replace("0001_first", "0002_second").replace("{body}", "pass")
    (migrations / "0003_third.py").write_text(third)

    added = run(project, *options, env=env)

    assert first.code == 0, first.output
    expected = f"no build can resume from the earlier template, because {said}"
    assert f"from scratch (1 new migration: stock.0003_third; {expected})" in added.output, (
        added.output
    )


HARMLESS = """
from tempfile import TemporaryDirectory
with TemporaryDirectory() as folder:
    open(f"{folder}/seed.csv", "w").close()
from stock.seeds import rows
"""
"""What a migration may do to files: temporary ones go, and Python compiles what it imports."""


def test_temporary_and_compiled_files_are_no_obstacles(project: Path, tmp_path: Path) -> None:
    (project / "stock" / "seeds").mkdir()
    (project / "stock" / "seeds" / "__init__.py").write_text("rows = []\n")
    migrations = project / "stock" / "migrations"
    body = indent(HARMLESS, " " * 4).strip()
    (migrations / "0002_second.py").write_text(dedent(SECOND).replace("{body}", body))
    options = ["template", "build", "--settings", "settings"]
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    env["PYTHONDONTWRITEBYTECODE"] = ""
    first = run(project, *options, env=env)
    third = dedent(SECOND).replace("0001_first", "0002_second").replace("{body}", "pass")
    (migrations / "0003_third.py").write_text(third)

    added = run(project, *options, env=env)

    assert first.code == 0, first.output
    assert (project / "stock" / "seeds" / "__pycache__").is_dir()
    assert (
        "incrementally (1 new migration: stock.0003_third; 16 of 17 are already applied)"
        in added.output
    )


def test_a_rejected_template_takes_its_layers_with_it(project: Path, tmp_path: Path) -> None:
    options = ["template", "build", "--settings", "settings", "--verify-templates"]
    cache = tmp_path / "cache"
    env = environment(cache, {"DOCKER_HOST": "unix:///nonexistent"})
    run(project, *options, env=env)
    layers = {file: file.stat().st_mtime_ns for file in cache.glob("**/layer-*/inputs.json")}
    change_database(template_of(cache), "CREATE TABLE somebody_was_here (id INTEGER)")

    rebuilt = run(project, *options, env=env)

    assert layers
    assert "from scratch (the existing template was rejected)" in rebuilt.output
    assert not any(file.exists() and file.stat().st_mtime_ns == layers[file] for file in layers)
