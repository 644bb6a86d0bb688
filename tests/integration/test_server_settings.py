"""`--server-settings`: migrations and tests that need another server than the usual one."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import docker
import pytest
from harness.projects import copy_of, environment, run, write_tests
from harness.services import command

from ctest_containers.engine import labels

SLOT = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL("SELECT pg_create_physical_replication_slot('standby', true)"),
        ]
"""

SLOT_TESTS = """
    def value(query):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    class Base:
        def test_slot(self):
            self.assertEqual(value("SELECT slot_name FROM pg_replication_slots"), "standby")

        def test_settings(self):
            self.assertEqual(value("SHOW wal_level"), "replica")
            self.assertEqual(value("SHOW max_replication_slots"), "4")

    class First(Base, TestCase):
        pass

    class Second(Base, TestCase):
        pass
"""

SETTINGS = "wal_level=replica,max_replication_slots=4"


@pytest.fixture
def slot_project(project: Path) -> Path:
    """A project whose migrations create a replication slot."""
    (project / "library" / "migrations" / "0004_slot.py").write_text(dedent(SLOT))
    write_tests(project, SLOT_TESTS)
    return project


@pytest.mark.usefixtures("no_container_is_left")
def test_a_migration_that_creates_a_replication_slot_builds_and_each_worker_has_it(
    slot_project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    options = ["--server-settings", SETTINGS, "--parallel", "2", "library.test_it"]

    done = run(slot_project, *options, "--project", "slots", env=postgresql_env)
    again = run(
        slot_project, *options, "--project", "slots", "--verify-templates", env=postgresql_env
    )

    assert done.code == 0, done.output
    assert again.code == 0, again.output
    assert "Using the template" in again.output
    (image,) = engine.images.list("localhost/ctest/slots/postgresql")
    kept = [["max_replication_slots", "4"], ["wal_level", "replica"]]
    assert json.loads(image.labels[labels.SETTINGS]) == kept


@pytest.mark.usefixtures("no_container_is_left")
def test_without_them_the_error_names_the_setting_of_the_toolkit(
    slot_project: Path, postgresql_env: dict[str, str]
) -> None:
    done = run(slot_project, "library.test_it", env=postgresql_env)

    assert done.code == 2, done.output
    assert "The toolkit starts its postgresql servers with wal_level=minimal." in done.output
    assert "Override it with --server-settings." in done.output
    assert "should show the same error" not in done.output


SHOW = """
import os, psycopg2
with psycopg2.connect(os.environ["DATABASE_URL"]).cursor() as cursor:
    cursor.execute("SHOW work_mem")
    print(cursor.fetchone()[0])
"""


@pytest.mark.usefixtures("no_container_is_left")
def test_servers_for_other_programs_have_them_as_well(
    project: Path, postgresql_env: dict[str, str], python: str
) -> None:
    options = ["--server-settings", "work_mem=7MB"]

    done = command(project, "exec", *options, "--", python, "-c", SHOW, env=postgresql_env)

    assert (done.code, done.out) == (0, "7MB\n"), done.said


@pytest.mark.usefixtures("no_container_is_left")
def test_another_value_is_another_template_and_the_reason_names_it(
    project: Path, postgresql_env: dict[str, str], project_name: str
) -> None:
    # A name of its own: an engine that is not the tests' own may have such a template.
    chosen = ["library.test_outcomes.Writing", "--project", project_name]

    run(project, *chosen, "--server-settings", "work_mem=1MB", env=postgresql_env)
    done = run(project, *chosen, "--server-settings", "work_mem=2MB", env=postgresql_env)

    assert "changed: server setting work_mem" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_setting_that_the_server_does_not_know_is_named_in_its_own_words(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    done = run(project, "--server-settings", "wall_level=replica", env=postgresql_env)

    assert done.code == 2, done.output
    assert 'unrecognized configuration parameter "wall_level"' in done.output


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_they_can_be_a_dictionary_in_the_settings_of_django(
    project: Path, mysql_env: dict[str, str]
) -> None:
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(
            'CTEST_CONTAINERS = {"SERVER_SETTINGS": {"mysql": {"event_scheduler": True}}}\n'
        )
    write_tests(
        project,
        """
        class Scheduled(TestCase):
            def test_scheduler(self):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT @@event_scheduler")
                    self.assertEqual(cursor.fetchone()[0], "ON")
        """,
    )

    done = run(project, "library.test_it", env=mysql_env)

    assert done.code == 0, done.output


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            "jit=on",
            "but the project has servers of mysql and postgresql.",
        ),
        ("postgresql.port=1", "--server-settings must not contain port: the toolkit controls"),
        ("jit", "must be NAME=VALUE or VENDOR.NAME=VALUE"),
    ],
)
def test_invalid_settings_are_refused_before_anything_starts(
    settings: str, words: str, tmp_path: Path
) -> None:
    depot = copy_of("depot", tmp_path)

    done = run(depot, "--server-settings", settings, env=environment(tmp_path / "cache"))

    assert done.code == 2, done.output
    assert words in " ".join(done.output.split())
