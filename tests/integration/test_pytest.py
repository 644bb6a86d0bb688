"""`pytest --ctest`: pytest-django and pytest-xdist as they are, on isolated databases."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import docker
import pytest
from harness.containers import owned
from harness.projects import Finished, environment, run, write_tests
from harness.tiers import further

PYTEST_INI = """
[pytest]
DJANGO_SETTINGS_MODULE = outcomes.settings
python_files = test_*.py tests.py
addopts = -p no:randomly -p no:cacheprovider -p no:hypothesispytest
"""

WHERE = """
    class Base:
        def write_down(self):
            with open("seen.txt", "a") as seen:
                seen.write(f"{os.getpid()} {connection.settings_dict['HOST']}\\n")
"""


def _pytest(
    project: Path, *arguments: str, env: Mapping[str, str], forked: bool = True
) -> Finished:
    return run(project, "-q", *arguments, env=env, module="pytest", forked=forked)


@pytest.fixture
def pytest_project(project: Path) -> Path:
    """The project whose tests a test writes, with what pytest-django has to know."""
    (project / "pytest.ini").write_text(PYTEST_INI)
    return project


def _seen(project: Path) -> dict[str, set[str]]:
    """For each process of pytest the servers on which its tests were."""
    found: dict[str, set[str]] = {}
    for line in (project / "seen.txt").read_text().splitlines():
        pid, host = line.split()
        found.setdefault(pid, set()).add(host)
    return found


def _classes(count: int, body: str) -> str:
    return "".join(
        f"\n    class Test{number}(Base, TestCase):\n{body.format(number=number)}"
        for number in range(count)
    )


STAYS_ALONE = """
        def test_nobody_else_writes_here(self):
            self.write_down()
            Author.objects.create(name="{number}")
            time.sleep(0.1)
            self.assertEqual(Author.objects.count(), 2)
"""


OTHER_SCHEDULERS = further(
    "`load` uses the same processes; only the distribution of tests differs."
)


@pytest.mark.parametrize(
    "dist",
    [
        "load",
        *(
            pytest.param(name, marks=OTHER_SCHEDULERS)
            for name in ("loadscope", "loadfile", "loadgroup", "worksteal")
        ),
    ],
)
@pytest.mark.usefixtures("no_container_is_left")
def test_each_worker_of_xdist_has_a_server_of_its_own(
    pytest_project: Path, postgresql_env: dict[str, str], dist: str
) -> None:
    for module in ("a", "b"):
        write_tests(pytest_project, WHERE + _classes(3, STAYS_ALONE))
        (pytest_project / "library" / "test_it.py").rename(
            pytest_project / "library" / f"kept_{module}.py"
        )
    for module in ("a", "b"):
        (pytest_project / "library" / f"kept_{module}.py").rename(
            pytest_project / "library" / f"test_{module}.py"
        )

    done = _pytest(pytest_project, "--ctest", "-n", "2", "--dist", dist, env=postgresql_env)

    assert "6 passed" in done.output, done.output
    seen = _seen(pytest_project)
    assert len(seen) == 2
    assert all(len(hosts) == 1 for hosts in seen.values())
    assert len(set.union(*seen.values())) == 2


@pytest.mark.usefixtures("no_container_is_left")
def test_a_crashed_worker_is_replaced_by_one_with_a_fresh_server(
    pytest_project: Path, postgresql_env: dict[str, str]
) -> None:
    crash = "\n    class TestZ(Base, TestCase):\n        def test_ends_it(self):\n            "
    crash += "self.write_down()\n            os._exit(3)\n"
    # Long enough that some are left for the new worker.
    long = STAYS_ALONE.replace("sleep(0.1)", "sleep(1)")
    write_tests(pytest_project, WHERE + crash + _classes(8, long))

    done = _pytest(pytest_project, "--ctest", "-n", "2", env=postgresql_env)

    assert "1 failed, 8 passed" in done.output, done.output
    assert "crashed while running 'library/test_it.py::TestZ::test_ends_it'" in done.output
    seen = _seen(pytest_project)
    assert len(seen) == 3
    assert len(set.union(*seen.values())) == 3


def test_a_killed_run_leaves_no_container(
    pytest_project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    before = owned(engine)
    body = (
        "        def test_waits(self):\n            self.write_down()\n            time.sleep(60)\n"
    )
    write_tests(pytest_project, WHERE + _classes(1, body))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", "--ctest"],
        cwd=pytest_project,
        env=postgresql_env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 60
    while not (pytest_project / "seen.txt").exists() and time.monotonic() < deadline:
        time.sleep(0.05)

    assert owned(engine) > before
    process.kill()
    process.wait()

    deadline = time.monotonic() + 20
    while owned(engine) > before and time.monotonic() < deadline:
        time.sleep(0.1)
    assert owned(engine) <= before


def test_nothing_changes_for_a_project_that_does_not_ask(
    pytest_project: Path, postgresql_env: dict[str, str]
) -> None:
    """The server that the settings name is looked for, and nothing of the engine is loaded."""
    write_tests(
        pytest_project,
        """
        import sys
        class TestIt(TestCase):
            def test_it(self):
                pass
        class TestLoaded(SimpleTestCase):
            def test_what_is_loaded(self):
                loaded = {name.partition(".")[0] for name in sys.modules}
                assert not loaded & {"docker", "testcontainers", "psutil"}
                assert "ctest_containers.pytest_session" not in sys.modules
        """,
    )

    done = _pytest(pytest_project, env=postgresql_env, forked=False)

    assert "1 passed, 1 warning, 1 error" in done.output, done.output
    assert "OperationalError" in done.output


def test_it_may_be_asked_for_in_the_ini_file_and_given_up_for_one_run(
    pytest_project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        pytest_project,
        """
        import sys
        class TestIt(TestCase):
            def test_it(self):
                asked = any(name.endswith("pytest_session") for name in sys.modules)
                Path("seen.txt").write_text(str(asked))
        """,
    )
    (pytest_project / "pytest.ini").write_text(PYTEST_INI + "ctest = true\n")

    with_it = _pytest(pytest_project, env=sqlite_env)
    asked = (pytest_project / "seen.txt").read_text()
    without = _pytest(pytest_project, "--no-ctest", env=sqlite_env)

    assert (with_it.code, without.code) == (0, 0), with_it.output + without.output
    assert (asked, (pytest_project / "seen.txt").read_text()) == ("True", "False")


def test_create_db_makes_the_template_anew_once_for_all_workers(
    pytest_project: Path, tmp_path: Path
) -> None:
    sqlite_env = environment(tmp_path / "cache")
    write_tests(pytest_project, WHERE + _classes(4, STAYS_ALONE))

    first = _pytest(pytest_project, "--ctest", env=sqlite_env)
    second = _pytest(pytest_project, "--ctest", env=sqlite_env)
    time.sleep(1.1)
    anew = _pytest(pytest_project, "--ctest", "--create-db", "-n", "2", env=sqlite_env)

    assert [one.output.count("Built the template") for one in (first, second, anew)] == [1, 0, 1]
    assert all("4 passed" in one.output for one in (first, second, anew)), anew.output


def test_reuse_db_finds_what_the_last_session_has_left(
    pytest_project: Path, postgresql_env: dict[str, str], project_name: str
) -> None:
    """Until --create-db gives it up, or the template is another one."""
    write_tests(
        pytest_project,
        """
        import docker, pytest
        @pytest.fixture(scope="session")
        def left(django_db_setup, django_db_blocker):
            with django_db_blocker.unblock():
                Author.objects.create(name=f"left {time.time_ns()}")
                return Author.objects.count()
        def test_it(left, db):
            labels = {"label": f"ctest-containers.project={os.environ['NAME']}"}
            servers = docker.from_env().containers.list(filters=labels)
            Path("seen.txt").write_text(f"{left} {len(servers)}")
        """,
    )
    env = {**postgresql_env, "CTEST_CONTAINERS_PROJECT": project_name, "NAME": project_name}
    seen = []
    try:
        for arguments in (
            ["--reuse-db"],
            ["--reuse-db"],
            [],
            ["--reuse-db", "--create-db"],
            ["--reuse-db", "--no-migrations"],
        ):
            done = _pytest(pytest_project, "--ctest", *arguments, env=env)
            assert "1 passed" in done.output, done.output
            seen.append((pytest_project / "seen.txt").read_text())
    finally:
        down = run(pytest_project, "service", "down", "--name", "pytest", env=env)

    # Without the option there is one of its own beside the one that was left.
    assert seen == ["2 1", "3 1", "2 2", "2 1", "1 1"]
    assert "service pytest" in down.output


@pytest.mark.parametrize(
    "workers", [pytest.param("0", marks=further("What two processes do, one does.")), "2"]
)
def test_no_migrations_means_tables_from_models_and_no_rows(
    pytest_project: Path, postgresql_env: dict[str, str], workers: str
) -> None:
    write_tests(
        pytest_project,
        """
        class TestIt(TestCase):
            def test_no_migration_has_run(self):
                self.assertEqual(Author.objects.count(), 0)
                self.assertNotIn("django_migrations", connection.introspection.table_names())
        """,
    )

    done = _pytest(pytest_project, "--ctest", "--no-migrations", "-n", workers, env=postgresql_env)

    assert "1 passed" in done.output, done.output


def test_a_test_gets_a_spare_database_beside_that_of_django(
    pytest_project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        pytest_project,
        """
        import psycopg2, pytest
        def test_spare(spare_database, db):
            url = spare_database.url("default")
            assert spare_database.settings["default"]["HOST"] != connection.settings_dict["HOST"]
            with psycopg2.connect(url) as other, other.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM library_author")
                assert cursor.fetchone() == (1,)
                cursor.execute("DELETE FROM library_author")
            other.commit()
            assert Author.objects.count() == 1
        def test_without_django(spare_database):
            with pytest.raises(RuntimeError, match="Database access not allowed"):
                Author.objects.count()
        """,
    )

    done = _pytest(pytest_project, "--ctest", env=postgresql_env)
    without = _pytest(pytest_project, "-k", "without_django", env=postgresql_env)

    assert "2 passed" in done.output, done.output
    assert "The fixture spare_database needs pytest --ctest." in without.output


@pytest.mark.parametrize(
    ("variables", "workers"),
    [({"DJANGO_TEST_MIN_WORKERS": "3"}, 3), ({"DJANGO_TEST_MAX_WORKERS": "1"}, 1)],
)
def test_auto_means_as_many_workers_as_in_a_run(
    pytest_project: Path, sqlite_env: dict[str, str], variables: dict[str, str], workers: int
) -> None:
    write_tests(
        pytest_project,
        """
        class TestIt(TestCase):
            def test_it(self):
                assert os.environ["PYTEST_XDIST_WORKER_COUNT"]
        """,
    )
    check = f'assert os.environ["PYTEST_XDIST_WORKER_COUNT"] == "{workers}"'
    file = pytest_project / "library" / "test_it.py"
    file.write_text(
        file.read_text().replace('assert os.environ["PYTEST_XDIST_WORKER_COUNT"]', check)
    )

    done = _pytest(pytest_project, "--ctest", "-n", "auto", env={**sqlite_env, **variables})

    assert "1 passed" in done.output, done.output


def test_each_worker_has_media_of_its_own_and_the_projects_function_is_called(
    pytest_project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        pytest_project,
        """
        from django.conf import settings
        from django.core.files.base import ContentFile
        from django.core.files.storage import default_storage
        def write():
            assert default_storage.save("cover.txt", ContentFile(b"x")) == "cover.txt"
            time.sleep(0.3)
        class TestA(TestCase):
            def test_it(self):
                write()
        class TestB(TestCase):
            def test_it(self):
                write()
        """,
    )
    settings = pytest_project / "outcomes" / "settings.py"
    settings.write_text(
        settings.read_text()
        + '\nMEDIA_ROOT = "media"\n'
        + 'CTEST_CONTAINERS = {"WORKER_SETUP": "library.preparing.worker_setup"}\n'
    )
    (pytest_project / "library" / "preparing.py").write_text(
        dedent(
            """
            from pathlib import Path
            from library.models import Author
            def worker_setup(worker):
                Path(f"setup-{worker.number}.txt").write_text(str(Author.objects.count()))
            """
        )
    )

    done = _pytest(pytest_project, "--ctest", "-n", "2", env=sqlite_env)

    assert "2 passed" in done.output, done.output
    assert not (pytest_project / "media").exists()
    made = sorted(file.name for file in pytest_project.glob("setup-*.txt"))
    assert made == ["setup-1.txt", "setup-2.txt"]


def test_settings_made_by_a_conftest_are_used(tmp_path: Path, sqlite_env: dict[str, str]) -> None:
    (tmp_path / "conftest.py").write_text(
        dedent(
            """
            from django.conf import settings
            def pytest_configure():
                settings.configure(
                    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
                    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}},
                )
            """
        )
    )
    (tmp_path / "test_it.py").write_text(
        "def test_it(django_user_model, db):\n    assert not django_user_model.objects.exists()\n"
    )

    done = _pytest(tmp_path, "--ctest", "-p", "no:cacheprovider", env=sqlite_env)

    assert "1 passed" in done.output, done.output


def test_an_engine_that_does_not_answer_is_said_in_a_sentence(
    pytest_project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(pytest_project, WHERE + _classes(1, STAYS_ALONE))
    nowhere = {**postgresql_env, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}

    done = _pytest(pytest_project, "--ctest", env=nowhere)

    assert done.code == 1
    assert "engine" in done.output
    assert "Traceback" not in done.output
    assert ".py:" not in done.output.partition("short test summary")[0], done.output


def test_what_is_wrong_in_the_environment_is_refused_by_name(
    pytest_project: Path, sqlite_env: dict[str, str]
) -> None:
    for variable, value, said in (
        ("CTEST_CONTAINERS_TRANSPRT", "port", "Did you mean CTEST_CONTAINERS_TRANSPORT?"),
        ("CTEST_CONTAINERS_WORKER_SETUP", "library.nowhere", "'library.nowhere'"),
        ("DJANGO_SETTINGS_MODULE", "", "Set --ds mysite.settings"),
    ):
        env = {**sqlite_env, variable: value}
        ini = ["-c", "/dev/null"] if not value else []
        for arguments in ([], ["-n", "2"]):
            done = _pytest(pytest_project, "--ctest", *ini, *arguments, env=env)

            assert done.code == 4, done.output
            assert said in done.output
            assert "INTERNALERROR" not in done.output
            assert "Traceback" not in done.output


@pytest.mark.parametrize(("workers", "code"), [("0", 1), ("2", 1)])
def test_what_the_projects_function_raises_is_said_and_no_test_runs(
    pytest_project: Path, sqlite_env: dict[str, str], workers: str, code: int
) -> None:
    write_tests(pytest_project, WHERE + _classes(3, STAYS_ALONE))
    (pytest_project / "library" / "preparing.py").write_text(
        "def fail(worker):\n    raise RuntimeError('no broker')\n"
    )
    env = {**sqlite_env, "CTEST_CONTAINERS_WORKER_SETUP": "library.preparing.fail"}

    done = _pytest(pytest_project, "--ctest", "-n", workers, env=env)

    assert done.code == code
    assert "The function 'library.preparing.fail'" in done.output
    assert "RuntimeError: no broker" in done.output
    assert "passed" not in done.output
    assert "INTERNALERROR" not in done.output


def test_without_pytest_django_there_is_a_hint(
    pytest_project: Path, sqlite_env: dict[str, str]
) -> None:
    done = _pytest(pytest_project, "--ctest", "-p", "no:django", "-c", "/dev/null", env=sqlite_env)

    assert done.code == 4
    assert "--ctest needs pytest-django, 4.7 or later" in done.output


BY_HAND = """
import os
import sys
from pathlib import Path

def pytest_configure(config):
    from django.conf import settings
    settings.configure(
        SECRET_KEY="secret",
        INSTALLED_APPS=["django.contrib.contenttypes", "library"],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DATABASES={"default": {
            "ENGINE": "django.db.backends.postgresql", "NAME": "by_hand", "USER": "outcomes",
            "HOST": "127.0.0.1", "PORT": "1",
        }},
    )
    import django
    django.setup()
"""


@pytest.mark.parametrize("processes", ["0", "2"])
@pytest.mark.usefixtures("no_container_is_left")
def test_settings_that_a_conftest_configures_reach_the_process_that_builds(
    processes: str, project: Path, postgresql_env: dict[str, str], project_name: str
) -> None:
    (project / "outcomes" / "settings.py").unlink()
    (project / "conftest.py").write_text(BY_HAND)
    (project / "pytest.ini").write_text("[pytest]\npython_files = test_it.py\n")
    write_tests(
        project,
        """
        class Any(TestCase):
            def test_it(self):
                self.assertEqual(Author.objects.count(), 1)

        class Another(Any):
            pass
        """,
    )
    env = {**postgresql_env, "CTEST_CONTAINERS_PROJECT": project_name}

    done = run(project, "--ctest", "-n", processes, env=env, module="pytest")

    assert done.code == 0, done.output
    assert "2 passed" in done.output


OWN_MODEL = """
    from django.db import models

    class Own(models.Model):
        name = models.CharField(max_length=10)

        class Meta:
            app_label = "library"

    class One(TestCase):
        def test_it(self):
            self.assertEqual(Own.objects.create(name="x").name, "x")

    class Another(One):
        pass
"""


RECEIVER = """
import pytest
from django.db.models.signals import post_migrate

def add(sender, using, **kwargs):
    from library.models import Author
    Author.objects.using(using).get_or_create(name="from a receiver")

@pytest.fixture(scope="session")
def django_test_environment(django_test_environment):
    post_migrate.connect(add)
"""


@pytest.mark.parametrize("processes", ["2", "0"])
def test_receivers_that_a_conftest_connects_take_part_in_the_build(
    processes: str, pytest_project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    (pytest_project / "conftest.py").write_text(RECEIVER)
    write_tests(
        pytest_project,
        """
        class One(TestCase):
            def test_it(self):
                self.assertTrue(Author.objects.filter(name="from a receiver").exists())

        class Another(One):
            pass
        """,
    )
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    done = _pytest(pytest_project, "--ctest", "-n", processes, env=env)

    assert "2 passed" in done.output, done.output


NOT_ELSEWHERE = """
    import multiprocessing
    from django.db import models

    if multiprocessing.parent_process() is None:
        class Own(models.Model):
            class Meta:
                app_label = "library"

    class One(TestCase):
        def test_it(self):
            self.assertEqual(Own.objects.count(), 0)
"""


@pytest.mark.parametrize("processes", ["2", "0"])
def test_models_of_test_modules_have_tables(
    processes: str, pytest_project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(pytest_project, OWN_MODEL)
    # Tables come from models where an app has no migrations.
    shutil.rmtree(pytest_project / "library" / "migrations")
    for method in ("auto", "spawn"):
        own = {"XDG_CACHE_HOME": str(tmp_path / method), "CTEST_CONTAINERS_START_METHOD": method}

        done = _pytest(pytest_project, "--ctest", "-n", processes, env={**sqlite_env, **own})

        assert "2 passed" in done.output, done.output


def test_a_model_that_a_new_process_cannot_define_is_named(
    pytest_project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(pytest_project, NOT_ELSEWHERE)
    shutil.rmtree(pytest_project / "library" / "migrations")
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    spawning = {**env, "CTEST_CONTAINERS_START_METHOD": "spawn"}
    done = _pytest(pytest_project, "--ctest", "-n", "2", env=spawning)

    assert "The model library.Own belongs to the module library.test_it" in done.output, done.output


BROKEN = """
from django.db import migrations

def broken(apps, schema_editor):
    raise LookupError("no such country")

class Migration(migrations.Migration):
    dependencies = [("library", "0003_book")]
    operations = [migrations.RunPython(broken)]
"""


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_build_that_fails_is_reported_once_and_ends_the_session(
    processes: str, project: Path, sqlite_env: dict[str, str]
) -> None:
    (project / "library" / "migrations" / "0004_broken.py").write_text(BROKEN)
    (project / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = outcomes.settings\npython_files = test_outcomes.py\n"
    )

    done = run(project, "--ctest", "-n", processes, env=sqlite_env, module="pytest")

    assert done.code in {1, 2}, done.output
    assert done.output.count("could not be created and migrated") == 1, done.output
    assert "crashed" not in done.output
    assert "LookupError: no such country" in done.output
    # Each worker of pytest-xdist has begun a test.
    assert done.output.count("\nERROR ") <= max(1, int(processes))
