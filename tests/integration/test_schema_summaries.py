"""Two builds of the same migrations have the same summary, and a new migration is what differs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from harness.projects import TESTS, environment, run
from harness.tiers import further

from ctest_containers.impact.schema_changes import schema_changes

SETTINGS = """
import os
SECRET_KEY = "not-a-secret"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "stock"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
VENDOR = os.environ.get("STOCK_DB", "sqlite3")
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{VENDOR}",
        "NAME": "stock" if VENDOR != "sqlite3" else "db.sqlite3",
        "USER": "stock",
    }
}
"""

FIRST = """
    from django.db import migrations, models

    def fill(apps, schema_editor):
        for name in ("pen", "ink"):
            apps.get_model("stock", "Item").objects.create(name=name)

    class Migration(migrations.Migration):
        dependencies = [("auth", "0012_alter_user_first_name_max_length")]
        operations = [
            migrations.CreateModel(
                "Item",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("name", models.CharField(max_length=20)),
                    ("made", models.DateTimeField(auto_now_add=True)),
                    ("owner", models.ForeignKey("auth.Group", models.CASCADE, null=True)),
                ],
            ),
            migrations.RunPython(fill),
        ]
"""

SECOND = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        dependencies = [("stock", "0001_first")]
        operations = [
            migrations.AddField("Item", "price", models.IntegerField(default=7)),
            migrations.AlterField("Item", "name", models.CharField(max_length=30)),
            migrations.CreateModel(
                "Order",
                [
                    ("id", models.BigAutoField(primary_key=True)),
                    ("item", models.ForeignKey("stock.Item", models.CASCADE)),
                ],
            ),
        ]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one migration, which uses a clock."""
    folder = tmp_path / "store"
    (folder / "stock" / "migrations").mkdir(parents=True)
    for name in ("__init__.py", "models.py", "migrations/__init__.py"):
        (folder / "stock" / name).touch()
    (folder / "settings.py").write_text(SETTINGS)
    (folder / "stock" / "migrations" / "0001_first.py").write_text(dedent(FIRST))
    return folder


def summaries(project: Path, name: str, env: Mapping[str, str], *options: str) -> dict[str, Any]:
    """The summaries of the project's databases."""
    search = os.pathsep.join(filter(None, [str(TESTS), env.get("PYTHONPATH")]))
    env = {**env, "DJANGO_SETTINGS_MODULE": "settings", "PYTHONPATH": search}
    done = run(project, name, *options, env=env, module="harness.summaries", forked=False)
    assert done.code == 0, done.output
    found: dict[str, Any] = json.loads(done.output.splitlines()[-1])
    return found


def check(project: Path, name: str, env: Mapping[str, str]) -> None:
    """Build a template again, and then one with another migration."""
    first = summaries(project, name, env)
    again = summaries(project, name, env, "--rebuild")
    (project / "stock" / "migrations" / "0002_second.py").write_text(dedent(SECOND))
    second = summaries(project, name, env)
    rebuilt = summaries(project, name, env, "--rebuild")

    assert first["default"]["relations"]["stock_item"]["rows"]["count"] == 2
    assert first != again
    assert not schema_changes(first, again)
    changes = schema_changes(first, second)
    tables = {change.table for change in changes if change.text.startswith(("the t", "the c"))}
    assert tables == {"stock_item", "stock_order"}
    assert {change.text for change in changes} >= {
        *("the column price of stock_item was added", "the column name of stock_item changed"),
        *("the table stock_order was added", "the rows of django_content_type changed"),
        "a foreign key from stock_order to stock_item was added",
    }
    assert {change.table for change in changes} == {
        *("stock_item", "stock_order", "auth_permission", "django_content_type"),
        *("auth_group_permissions", "auth_user_user_permissions", "django_migrations"),
    }
    assert not schema_changes(second, rebuilt)


def test_two_builds_on_sqlite_have_the_same_summary(project: Path, tmp_path: Path) -> None:
    check(project, "summaries", environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///none"}))


@pytest.mark.parametrize(
    ("vendor", "mysql_image"),
    [
        ("postgresql", ""),
        ("mysql", "mariadb"),
        pytest.param("mysql", "mysql", marks=further("MariaDB's test")),
    ],
)
def test_two_builds_on_a_server_have_the_same_summary(
    vendor: str, mysql_image: str, project: Path, project_name: str, tmp_path: Path
) -> None:
    chosen = {"STOCK_DB": vendor, "CTEST_CONTAINERS_MYSQL_IMAGE": mysql_image}
    check(project, project_name, environment(tmp_path / "cache", chosen))
