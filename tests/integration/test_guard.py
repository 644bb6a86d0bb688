"""No process connects to a configured database, whatever code of the project asks for one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from textwrap import dedent

import psycopg2
import pytest
from harness.histories import KEEP_LAYERS
from harness.projects import assert_agree, run, toolkit, write_tests
from harness.servers import Plain
from harness.truths import truth

STRAY = """
    from django.db import DatabaseError, connection

    def stray(place):
        try:
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO stray VALUES (%s)", [place])
        except DatabaseError:
            pass
"""

APPS = """
    from django.apps import AppConfig

    class LibraryConfig(AppConfig):
        name = "library"

        def ready(self):
            from library.stray import stray
            stray("ready")
"""

TESTS = """
    from library.stray import stray
    stray("import")

    class Any(TestCase):
        def test_it(self):
            self.assertEqual(Author.objects.count(), 1)

    class Another(TransactionTestCase):
        def test_it(self):
            stray("test")
"""

MIGRATION = """
    from django.db import migrations
    from library.stray import stray
    stray("migration")

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = []
"""

PYTEST_INI = "[pytest]\nDJANGO_SETTINGS_MODULE = outcomes.settings\npython_files = test_it.py\n"

COMMANDS = [
    ["library.test_it", "--parallel", "2"],
    ["library.test_it", "--parallel", "2", "--start-method", "spawn", "--rebuild"],
    ["plan", "library.test_it"],
    ["template", "build", "--rebuild"],
    ["template", "explain"],
    ["doctor"],
    ["exec", "--", sys.executable, "-c", "print('done')"],
    ["library.test_it", "--cluster", "local"],
]


@pytest.fixture
def configured(plain: Plain) -> Iterator[dict[str, str]]:
    """The variables that lead to a configured database, which has a table for what strays."""
    led = plain("postgresql")

    def execute(database: str, statement: str) -> list[tuple[str]]:
        host = led["OUTCOMES_DB_HOST"]
        with closing(psycopg2.connect(dbname=database, host=host, user="outcomes")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []

    before = execute("postgres", "SELECT datname FROM pg_database ORDER BY 1")
    execute("postgres", "CREATE DATABASE outcomes")
    execute("outcomes", "CREATE TABLE stray (place TEXT)")
    try:
        yield {**led, "OUTCOMES_DB_USER": "outcomes"}
        assert execute("outcomes", "SELECT place FROM stray") == []
    finally:
        execute("postgres", "DROP DATABASE outcomes WITH (FORCE)")
    # Nothing was made there either, such as a test database.
    assert execute("postgres", "SELECT datname FROM pg_database ORDER BY 1") == before


@pytest.fixture
def straying(project: Path) -> Path:
    """A project that asks for its database wherever it can."""
    (project / "library" / "stray.py").write_text(dedent(STRAY))
    (project / "library" / "apps.py").write_text(dedent(APPS))
    (project / "library" / "migrations" / "0004_stray.py").write_text(dedent(MIGRATION))
    (project / "pytest.ini").write_text(PYTEST_INI)
    settings = project / "outcomes" / "settings.py"
    named = 'INSTALLED_APPS[INSTALLED_APPS.index("library")] = "library.apps.LibraryConfig"\n'
    settings.write_text(settings.read_text() + named)
    write_tests(project, TESTS)
    return project


@pytest.mark.usefixtures("no_container_is_left")
def test_nothing_reaches_a_configured_database_in_any_process(
    straying: Path, postgresql_env: dict[str, str], configured: dict[str, str]
) -> None:
    env = {**postgresql_env, **configured}

    for command in COMMANDS:
        done = run(straying, *command, env=env)
        assert done.code == 0, (command, done.output)
    # pytest-django itself lets no module ask when it is imported.
    write_tests(straying, TESTS.replace('stray("import")', ""))
    for options in (("--ctest",), ("--ctest", "-n", "2")):
        done = run(straying, "-p", "no:randomly", *options, env=env, module="pytest")
        assert done.code == 0, (options, done.output)


def test_a_file_of_sqlite_is_not_even_made_while_the_project_is_loaded(
    straying: Path, sqlite_env: dict[str, str]
) -> None:
    done = run(straying, "library.test_it", env=sqlite_env)

    assert done.code == 0, done.output
    assert not (straying / "db.sqlite3").exists()


NEEDED = """
    from django.apps import AppConfig

    class LibraryConfig(AppConfig):
        name = "library"

        def ready(self):
            from library.models import Author
            self.authors = list(Author.objects.all())
"""


def test_a_query_in_ready_reports_that_no_database_exists_yet(
    straying: Path, postgresql_env: dict[str, str]
) -> None:
    (straying / "library" / "apps.py").write_text(dedent(NEEDED))

    done = run(straying, "library.test_it", env=postgresql_env)

    assert done.code == 2
    assert "The database 'default' was queried while the project was being loaded." in done.output
    assert "Remove database queries from module level" in done.output


BACKEND = """
    from django.db.backends.postgresql import base

    class DatabaseWrapper(base.DatabaseWrapper):
        first = None

        def get_new_connection(self, conn_params):
            kind = type(self)
            if kind.first is None:
                kind.first = {name: conn_params.get(name) for name in ("host", "port")}
            return super().get_new_connection({**conn_params, **kind.first})
"""


LOOKING = """
    from django.apps import AppConfig

    class LibraryConfig(AppConfig):
        name = "library"

        def ready(self):
            from django.db import connection
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
"""


def remember_the_first_host(project: Path) -> None:
    """Let the project's backend connect to the first host for ever."""
    (project / "company").mkdir()
    (project / "company" / "__init__.py").touch()
    (project / "company" / "base.py").write_text(dedent(BACKEND))
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write('DATABASES["default"]["ENGINE"] = "company"\n')


@pytest.mark.usefixtures("no_container_is_left")
def test_a_backend_that_remembers_a_server_is_named_and_reaches_no_other(
    straying: Path, postgresql_env: dict[str, str], configured: dict[str, str]
) -> None:
    remember_the_first_host(straying)
    (straying / "library" / "apps.py").write_text(dedent(LOOKING))
    env = {**postgresql_env, **configured, "DJANGO_SETTINGS_MODULE": "outcomes.settings"}
    runner = "--testrunner=ctest_containers.runner.ContainerTestRunner"

    # Django itself has loaded the project by then, and asked for the configured server.
    done = run(straying, "test", runner, "library.test_it", env=env, module="django")

    assert done.code == 2, done.output
    assert "The backend company connected the database 'default' to " in done.output
    assert f"{configured['OUTCOMES_DB_HOST']}:5432 instead of " in done.output
    assert "the connection was closed" in done.output
    assert "manage.py migrate" not in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_backend_that_remembers_is_no_harm_where_nobody_has_connected_before(
    straying: Path, postgresql_env: dict[str, str], configured: dict[str, str]
) -> None:
    remember_the_first_host(straying)
    write_tests(straying, TESTS.replace('stray("import")', ""))

    done = run(straying, "library.test_it", env={**postgresql_env, **configured})

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_backend_that_tries_the_server_of_another_process_is_named(
    straying: Path, postgresql_env: dict[str, str]
) -> None:
    remember_the_first_host(straying)

    # Its tests ask for a database when they are imported, and the parent is lent one.
    done = run(straying, "library.test_it", env=postgresql_env)

    assert done.code == 1, done.output
    if sys.version_info >= (3, 11):
        assert "The backend company tried to connect the database 'default' to " in done.output


HSTORE = """
    from django.contrib.postgres.fields import HStoreField
    from django.contrib.postgres.operations import HStoreExtension
    from django.db import migrations, models

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [HStoreExtension(), migrations.AddField(
            "author", "tags", HStoreField(default=dict))]
"""

EARLY = """
    from django.apps import AppConfig

    class LibraryConfig(AppConfig):
        name = "library"

        def ready(self):
            from django.contrib.postgres.signals import get_hstore_oids
            from django.db import connection
            self.oids = get_hstore_oids("default")
            self.version = connection.pg_version
            connection.features.__dict__["of_another_server"] = True
"""

REMEMBERED = """
    from django.apps import apps

    class Remembering(TestCase):
        def test_types_of_the_server_are_known(self):
            self.assertEqual(apps.get_app_config("library").oids, ((), ()))
            author = Author.objects.create(name="x", tags={"a": "1"})
            author.refresh_from_db()
            self.assertEqual(author.tags, {"a": "1"})
"""


@pytest.mark.usefixtures("no_container_is_left")
def test_nothing_is_remembered_of_the_configured_server(
    straying: Path, postgresql_env: dict[str, str], configured: dict[str, str]
) -> None:
    models = straying / "library" / "models.py"
    field = "    tags = HStoreField(default=dict)\n"
    text = models.read_text()
    where = text.index("    name =")
    models.write_text(
        "from django.contrib.postgres.fields import HStoreField\n"
        + text[:where]
        + field
        + text[where:]
    )
    (straying / "library" / "migrations" / "0004_stray.py").write_text(dedent(HSTORE))
    (straying / "library" / "apps.py").write_text(dedent(EARLY))
    with (straying / "outcomes" / "settings.py").open("a") as settings:
        settings.write('INSTALLED_APPS.append("django.contrib.postgres")\n')
    write_tests(straying, REMEMBERED)
    env = {**postgresql_env, **configured, "DJANGO_SETTINGS_MODULE": "outcomes.settings"}
    runner = "--testrunner=ctest_containers.runner.ContainerTestRunner"

    done = run(straying, "test", runner, "library.test_it", env=env, module="django")

    assert done.code == 0, done.output


SHARED = """
    class Both(TransactionTestCase):
        databases = {"default", "readonly"}

        def test_what_is_written_through_one_is_read_through_the_other(self):
            before = Author.objects.using("readonly").count()
            Author.objects.create(name="x")
            self.assertEqual(Author.objects.using("readonly").count(), before + 1)

        def test_the_other_way_round(self):
            Author.objects.using("readonly").create(name="x")
            self.assertGreater(Author.objects.filter(name="x").count(), 0)

    class OnlyTheSecond(TransactionTestCase):
        databases = {"readonly"}

        def test_one(self):
            Author.objects.using("readonly").create(name="y")

        def test_two(self):
            Author.objects.using("readonly").create(name="y")

    class Rows(TestCase):
        databases = {"default", "readonly"}

        def test_a_transaction_of_one_is_not_seen_in_the_other(self):
            Author.objects.create(name="x")
            self.assertEqual(Author.objects.using("readonly").count(), 1)
"""


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.usefixtures("no_container_is_left")
def test_aliases_of_one_database_share_it_as_under_django(
    workers: str, project: Path, postgresql_env: dict[str, str], plain: Plain, tmp_path: Path
) -> None:
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write('DATABASES["readonly"] = dict(DATABASES["default"])\n')
    write_tests(project, SHARED)
    reachable = {**postgresql_env, **plain("postgresql")}
    expected = truth(project, "library.test_it", env=reachable, record=tmp_path / "truth")

    options = ["library.test_it", "--parallel", workers]
    actual = toolkit(project, *options, env=postgresql_env, record=tmp_path / "ours")

    assert expected.code == 0, expected.output
    assert_agree(expected, actual)


REMEMBERED = """
    class Simple(SimpleTestCase):
        def test_a_version_that_migrations_have_asked_for(self):
            self.assertGreater(connection.pg_version, 100_000)

    class Rows(TestCase):
        def test_the_same_with_queries(self):
            with self.assertNumQueries(1):
                connection.features.is_postgresql_15
                Author.objects.count()
"""


@pytest.mark.parametrize("start_method", ["fork", "spawn"])
@pytest.mark.usefixtures("no_container_is_left")
def test_what_migrations_have_learned_of_a_server_is_known_without_asking(
    start_method: str, project: Path, postgresql_env: dict[str, str], plain: Plain, tmp_path: Path
) -> None:
    write_tests(project, REMEMBERED)
    reachable = {**postgresql_env, **plain("postgresql")}
    expected = truth(project, "library.test_it", env=reachable, record=tmp_path / "truth")

    options = ["library.test_it", "--parallel", "2", "--start-method", start_method]
    actual = toolkit(project, *options, env=postgresql_env, record=tmp_path / "ours")

    assert expected.code == 0, expected.output
    assert_agree(expected, actual)


def in_one_file(project: Path) -> None:
    """Two aliases on SQLite, whose test database is one file."""
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(
            'DATABASES["default"]["TEST"] = {"NAME": Path(__file__).parent / "test.sqlite3"}\n'
            'DATABASES["readonly"] = dict(DATABASES["default"])\n'
        )


SEEN = """
    class Both(TransactionTestCase):
        databases = {"default", "readonly"}

        def test_both_see_what_either_writes(self):
            Author.objects.create(name="x1")
            Author.objects.using("readonly").create(name="x2")
            for alias in self.databases:
                seen = Author.objects.using(alias).filter(name__startswith="x")
                self.assertEqual(seen.count(), 2)
"""


GROWN = """
    from django.db import migrations

    def add(apps, schema_editor):
        for name in ("x3", "x4"):
            apps.get_model("library", "Author").objects.create(name=name)

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [migrations.RunPython(add)]
"""


def test_aliases_of_one_file_share_it_as_under_django(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    in_one_file(project)
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(KEEP_LAYERS)
    write_tests(project, SEEN)
    expected = truth(project, "library.test_it", env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(project, "library.test_it", env=sqlite_env, record=tmp_path / "ours")
    (project / "library" / "migrations" / "0004_grown.py").write_text(dedent(GROWN))
    (project / "library" / "test_it.py").write_text(
        (project / "library" / "test_it.py").read_text().replace("count(), 2)", "count(), 4)")
    )
    grown = run(project, "library.test_it", env=sqlite_env)

    assert expected.code == 0, expected.output
    assert_agree(expected, actual)
    assert "incrementally" in grown.output
    assert grown.code == 0, grown.output
    assert not (project / "outcomes" / "test.sqlite3").exists()
