"""A template is migrated once, believed only when complete, and rebuilt when its inputs change."""

from __future__ import annotations

import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from harness.containers import owned
from harness.projects import copy_of, environment, run, start, wait_for, write_tests
from harness.tiers import further

from ctest_containers.engine.labels import FINGERPRINT, NAMESPACE, OWNER

ONE_TEST = "library.test_outcomes.Outcomes.test_pass"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of the test's own, under a name that no other has."""
    copy = copy_of("outcomes", tmp_path)
    return copy.rename(tmp_path / f"outcomes-{os.getpid()}-{tmp_path.name}")


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    """A file to which the project's migration adds a line each time it is executed."""
    return tmp_path / "witness"


@pytest.fixture(params=["sqlite", "postgresql"])
def env(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    witness: Path,
    project: Path,
    engine: docker.DockerClient,
) -> Iterator[dict[str, str]]:
    """An environment with an empty cache, once for each vendor."""
    extra = {"OUTCOMES_DB": request.param, "OUTCOMES_MIGRATION_WITNESS": str(witness)}
    yield environment(tmp_path / "cache", extra)
    remove_images(engine, project)


def remove_images(engine: docker.DockerClient, project: Path) -> None:
    """Let there be no templates of a project on the engine."""
    for image in images_of(engine, project):
        engine.images.remove(image, force=True)


def images_of(engine: docker.DockerClient, project: Path) -> list[str]:
    """The names of the templates that a project has on the engine."""
    prefix = f"{NAMESPACE}/{re.sub('[^a-z0-9]+', '-', project.name.lower())}/"
    # Asked in one call: what is half made may be removed between two.
    tags = [tag for image in engine.api.images() for tag in image["RepoTags"] or ()]
    return [tag for tag in tags if tag.startswith(prefix)]


@pytest.mark.usefixtures("no_container_is_left")
def test_a_second_run_executes_no_migration(
    project: Path, env: dict[str, str], witness: Path
) -> None:
    first = run(project, ONE_TEST, env=env)
    second = run(project, ONE_TEST, env={**env, "PYTHONHASHSEED": "4711"})

    assert (first.code, second.code) == (0, 0)
    assert "Building the template" in first.output
    assert "Using the template" in second.output
    assert witness.read_text() == "migrated\n"


@pytest.mark.usefixtures("no_container_is_left")
def test_runs_that_miss_at_once_build_once_and_the_others_say_that_they_wait(
    project: Path, env: dict[str, str], witness: Path, tmp_path: Path
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"
    hold = tmp_path / "hold"
    hold.touch()
    held = f"""    import time
    end = time.monotonic() + 60
    while Path({str(hold)!r}).exists() and time.monotonic() < end:
        Path({str(tmp_path / "migrating")!r}).touch()
        time.sleep(0.01)
"""
    head = "def add_author(apps, schema_editor):\n"
    migration.write_text(migration.read_text().replace(head, head + held))

    builder = start(project, ONE_TEST, env=env)
    wait_for((tmp_path / "migrating").exists, 60, "the migration")
    waiting = [start(project, ONE_TEST, env=env) for _ in range(2)]
    said = [
        next(line for line in process.stdout if "Waiting for another run" in line)
        for process in waiting
        if process.stdout is not None
    ]
    hold.unlink()
    outputs = [process.communicate(timeout=120)[0] for process in (builder, *waiting)]

    assert len(said) == 2
    assert [process.returncode for process in (builder, *waiting)] == [0, 0, 0], outputs
    assert witness.read_text() == "migrated\n"
    assert ["Built the template" in output for output in outputs] == [True, False, False]


@pytest.mark.usefixtures("no_container_is_left")
def test_an_edited_migration_builds_a_new_template_and_the_old_one_serves_again_when_it_is_undone(
    project: Path, env: dict[str, str], witness: Path
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"
    original = migration.read_text()
    run(project, ONE_TEST, env=env)

    migration.write_text(original + "\n# edited\n")
    edited = run(project, ONE_TEST, env=env)
    migration.write_text(original)
    undone = run(project, ONE_TEST, env=env)

    assert "Building the template" in edited.output
    assert "Using the template" in undone.output
    assert witness.read_text() == "migrated\nmigrated\n"


@pytest.mark.usefixtures("no_container_is_left")
def test_an_edit_that_shapes_no_database_changes_no_fingerprint(
    project: Path, env: dict[str, str]
) -> None:
    run(project, ONE_TEST, env=env)
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + '\nSECRET_KEY = "another"\nALLOWED_HOSTS = ["x"]\n')
    moved = project.rename(project.parent / "elsewhere")

    again = run(moved, ONE_TEST, "--project", project.name, env=env)
    moved.rename(project)

    assert "Using the template" in again.output


FILLING = """
from django.db.models.signals import post_migrate

def fill(using, **_):
    Author.objects.using(using).get_or_create(name="Octavia E. Butler")

post_migrate.connect(fill)
"""


@pytest.mark.usefixtures("no_container_is_left")
def test_tests_see_what_receivers_of_post_migrate_make_today(
    project: Path, env: dict[str, str]
) -> None:
    """Whatever they made when a template was built."""
    models = project / "library" / "models.py"
    plain, filling = models.read_text(), models.read_text() + FILLING
    seen = []

    for text, found in (
        (plain, 1),
        (filling, 2),
        (filling.replace("get_or_create", "none().filter"), 1),
        (filling, 2),
        (plain, 1),
    ):
        models.write_text(text)
        write_tests(
            project,
            f"""
            class Counting(TestCase):
                def test_count(self):
                    self.assertEqual(Author.objects.count(), {found})
        """,
        )
        done = run(project, env=env)
        assert done.code == 0, done.output
        seen.append("Building the template" in done.output)

    assert seen == [True, True, True, False, False]


@pytest.mark.usefixtures("no_container_is_left")
def test_a_migration_that_fails_ends_the_run_with_its_report_and_leaves_no_template(
    project: Path, env: dict[str, str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"
    head = "def add_author(apps, schema_editor):\n"
    failing = head + "    raise ValueError('half way')\n"
    migration.write_text(migration.read_text().replace(head, failing))

    failed = run(project, ONE_TEST, env=env)

    assert failed.code == 2
    assert "ValueError: half way" in failed.output
    assert "could not be created and migrated" in failed.output
    assert images_of(engine, project) == []
    assert list((tmp_path / "cache").rglob("*.sqlite3*")) == []


def test_a_builder_that_is_killed_half_way_leaves_nothing_that_a_later_run_believes(
    project: Path, env: dict[str, str], witness: Path, engine: docker.DockerClient
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"
    hanging = """def add_author(apps, schema_editor):
    witness = Path(os.environ["OUTCOMES_MIGRATION_WITNESS"])
    if not witness.exists():
        witness.touch()
        __import__("time").sleep(60)
"""
    head = "def add_author(apps, schema_editor):\n"
    migration.write_text(migration.read_text().replace(head, hanging))
    before = owned(engine)
    process = start(project, ONE_TEST, env=env)
    wait_for(witness.exists, 60, "the migration")

    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=30)

    def containers_are_gone() -> bool:
        return owned(engine) <= before

    wait_for(containers_are_gone, 15, "the removal of the dead run's containers")
    assert images_of(engine, project) == []
    again = run(project, ONE_TEST, env=env)
    assert (again.code, "Building the template" in again.output) == (0, True)


@pytest.mark.parametrize("env", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("no_container_is_left")
def test_of_ten_processes_that_ask_for_a_template_at_once_one_builds_it(
    project: Path, env: dict[str, str], witness: Path
) -> None:
    asking = [start(project, "template", "build", env=env) for _ in range(10)]
    outputs = [process.communicate(timeout=120)[0] for process in asking]

    assert [process.returncode for process in asking] == [0] * 10, outputs
    assert sum("Built the template" in output for output in outputs) == 1
    assert witness.read_text() == "migrated\n"


@pytest.mark.parametrize("kills", [3, 20])
@further("Another test here kills a builder half way; these are more moments.")
@pytest.mark.parametrize("env", ["postgresql"], indirect=True)
@pytest.mark.usefixtures("no_container_is_left")
def test_a_builder_that_is_killed_at_any_moment_never_leaves_a_bad_template(
    project: Path, env: dict[str, str], engine: docker.DockerClient, kills: int
) -> None:
    chance = random.Random()
    begun = time.monotonic()
    run(project, "template", "build", env=env)
    usual = time.monotonic() - begun
    remove_images(engine, project)
    before = owned(engine)
    found = []
    for _ in range(kills):
        process = start(project, "template", "build", env=env)
        time.sleep(chance.uniform(0.15, 1.0) * usual)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=30)
        # What owns the containers outlives it, and may just be naming a template that is whole.
        wait_for(lambda: owned(engine) <= before, 30, "the removal of the dead run's containers")
        if images_of(engine, project):
            found.append(run(project, "template", "verify", env=env))
            remove_images(engine, project)

    again = run(project, ONE_TEST, env=env)

    assert [done.output for done in found if done.code != 0] == []
    assert (again.code, "Built the template" in again.output) == (0, True)


@pytest.mark.parametrize("env", ["postgresql"], indirect=True)
def test_a_template_image_says_what_it_is_made_of_and_nothing_secret(
    project: Path, env: dict[str, str], engine: docker.DockerClient
) -> None:
    secret = "very-secret-password"
    run(project, ONE_TEST, "--transport", "port", env={**env, "OUTCOMES_DB_PASSWORD": secret})

    (name,) = images_of(engine, project)
    image = engine.images.get(name)

    assert image.labels[FINGERPRINT] == name.rpartition(":")[2]
    assert image.labels.get("org.testcontainers.session-id", "") == ""
    assert "migration library.0002_first_author" in image.labels["ctest-containers.inputs"]
    assert secret not in str(image.attrs) + str(image.history())
    assert image.labels.get(OWNER, "") == ""


LARGE = """\
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("library", "0003_book")]
    operations = [
        migrations.RunSQL("CREATE TABLE large AS SELECT n FROM generate_series(1, 20000) n"),
        migrations.RunSQL("CREATE TABLE small AS SELECT n FROM generate_series(1, 20) n"),
    ]
"""

STATISTICS = """
        class Statistics(TestCase):
            def test_rows(self):
                query = "SELECT reltuples::int FROM pg_class WHERE relname = %s"
                with connection.cursor() as cursor:
                    found = []
                    for name in ("large", "small"):
                        cursor.execute(query, [name])
                        found += cursor.fetchone()
                self.assertEqual(found, [20000, -1])
"""


def test_the_planner_knows_what_is_in_a_large_table_of_a_template_as_after_autovacuum(
    project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    (project / "library" / "migrations" / "0004_large.py").write_text(LARGE)
    write_tests(project, STATISTICS)

    done = run(project, "--parallel", "1", env=postgresql_env)
    remove_images(engine, project)

    assert done.code == 0, done.output
