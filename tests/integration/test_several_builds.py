"""The templates of several servers are built at the same time, and nothing is left of any."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from textwrap import dedent

import docker
import pytest
from harness.containers import owned
from harness.projects import environment, interrupt, run, start, wait_for

from ctest_containers.exit_codes import ExitCode

pytestmark = pytest.mark.xdist_group("mariadb")

SETTINGS = """
    SECRET_KEY = "secret"
    INSTALLED_APPS = ["shop"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    SERVER = {"NAME": "shop", "USER": "shop", "HOST": "127.0.0.1", "PORT": "1"}
    DATABASES = {
        "default": {"ENGINE": "django.db.backends.postgresql", **SERVER},
        "other": {"ENGINE": "django.db.backends.mysql", **SERVER},
        "third": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    }
"""

MIGRATION = """
    import os, time
    from pathlib import Path
    from django.db import migrations, models

    OTHERS = {"default": "other", "other": "default"}

    def run(apps, schema_editor):
        alias = schema_editor.connection.alias
        folder = Path(os.environ["MEET"])
        (folder / alias).write_text(str(os.getppid()))
        deadline = time.monotonic() + 60
        while alias != "third" and not (folder / OTHERS[alias]).exists():
            if time.monotonic() > deadline:
                raise RuntimeError("The other template is not built meanwhile.")
            time.sleep(0.01)
        if alias == os.environ.get("FAILING"):
            raise RuntimeError("This alias fails.")
        while os.environ.get("HANGING"):
            time.sleep(0.05)

    class Migration(migrations.Migration):
        operations = [
            migrations.CreateModel("Item", [("id", models.BigAutoField(primary_key=True))]),
            migrations.RunPython(run),
        ]
"""

TESTS = """
    from django.test import TestCase
    from django.db import connections

    class Any(TestCase):
        databases = "__all__"

        def test_it(self):
            for connection in connections.all():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT count(*) FROM shop_item")
                    self.assertEqual(cursor.fetchone(), (0,))
"""

MANAGE = """
    import os, sys
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    from django.core.management import execute_from_command_line
    execute_from_command_line(sys.argv)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose migration waits until the same one runs on another server."""
    folder = tmp_path / "shop-project"
    migrations = folder / "shop" / "migrations"
    migrations.mkdir(parents=True)
    for text, file in (
        (SETTINGS, folder / "settings.py"),
        (MANAGE, folder / "manage.py"),
        (TESTS, folder / "shop" / "tests.py"),
        (MIGRATION, migrations / "0001_initial.py"),
        ("", folder / "shop" / "__init__.py"),
        ("", migrations / "__init__.py"),
    ):
        file.write_text(dedent(text))
    (tmp_path / "meet").mkdir()
    return folder


@pytest.fixture
def env(cache: Path, engine: docker.DockerClient, tmp_path: Path) -> dict[str, str]:
    """Its variables."""
    del engine
    names = {"MEET": str(tmp_path / "meet"), "CTEST_CONTAINERS_MYSQL_IMAGE": "mariadb"}
    return environment(cache, {**names, "DJANGO_SETTINGS_MODULE": "settings"})


@pytest.mark.usefixtures("no_container_is_left")
def test_two_servers_are_migrated_at_the_same_time(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "events.jsonl"

    cold = run(project, "shop", "--event-log", str(log), env=env)
    warm = run(project, "shop", env=env)

    assert cold.code == 0, cold.output
    assert warm.code == 0, warm.output
    assert "Building" not in warm.output
    events = [json.loads(line) for line in log.read_text().splitlines()]
    names = [one["type"] for one in events[1:] if one["type"].startswith("TemplateBu")]
    assert names[:2] == ["TemplateBuildStarted"] * 2
    assert names.count("TemplateBuilt") == 3


@pytest.mark.usefixtures("no_container_is_left")
def test_a_build_that_fails_is_reported_and_the_others_are_kept(
    project: Path, env: dict[str, str]
) -> None:
    done = run(project, "template", "build", env={**env, "FAILING": "other"})

    assert done.code == ExitCode.SETUP_FAILED, done.output
    assert "This alias fails." in done.output
    assert "The test databases of 'other' could not be created" in done.output
    assert "Built the template postgresql" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_ctrl_c_ends_all_builds(project: Path, env: dict[str, str], tmp_path: Path) -> None:
    process = start(project, "shop", env={**env, "HANGING": "yes"})
    meet = tmp_path / "meet"
    wait_for(lambda: {"default", "other"} <= {one.name for one in meet.iterdir()}, 60, "builds")

    interrupt(process)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == ExitCode.INTERRUPTED, output
    assert "Traceback" not in output


def test_kill_9_of_the_parent_ends_all_builds_and_removes_their_servers(
    project: Path, env: dict[str, str], tmp_path: Path, engine: docker.DockerClient
) -> None:
    before = owned(engine)
    process = start(project, "shop", env={**env, "HANGING": "yes"})
    meet = tmp_path / "meet"
    wait_for(lambda: {"default", "other"} <= {one.name for one in meet.iterdir()}, 60, "builds")
    assert len(owned(engine) - before) == 2

    os.kill(process.pid, signal.SIGKILL)

    wait_for(lambda: owned(engine) <= before, 30, "the removal of the containers")
    process.communicate(timeout=30)
