"""What the settings say of a database is so on its isolated server, as with Django's own runner."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from harness.projects import run, write_tests

POSTGRESQL = """
    DATABASES["default"] |= {
        "NAME": "any",
        "TEST": {"NAME": "a Name", "CHARSET": "UTF8", "TEMPLATE": "template0"},
        "OPTIONS": {
            "options": "-c search_path=own,public -c lock_timeout=1234",
            "isolation_level": 3,
            "sslmode": "require",
            "service": "nowhere",
            "passfile": "/nowhere",
        },
        "CONN_MAX_AGE": 77,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": True,
        "TIME_ZONE": "Asia/Tokyo",
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
"""

POSTGRESQL_TESTS = """
    from django.db import transaction

    def value(query):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    class Kept(TransactionTestCase):
        def test_database(self):
            self.assertEqual(value("SELECT current_database()"), "a Name")
            self.assertEqual(value("SHOW server_encoding"), "UTF8")

        def test_user(self):
            self.assertEqual(value("SELECT current_user"), "outcomes")
            self.assertEqual(value("SELECT session_user"), "outcomes")

        def test_session(self):
            self.assertEqual(value("SHOW search_path"), "own,public")
            self.assertEqual(value("SHOW lock_timeout"), "1234ms")
            self.assertEqual(value("SHOW timezone"), "Asia/Tokyo")
            with transaction.atomic():
                self.assertEqual(value("SHOW transaction_isolation"), "repeatable read")

        def test_what_migrations_made(self):
            self.assertEqual(value("SELECT count(*) FROM own.things"), 1)
            self.assertEqual(value("SELECT 'A'::citext = 'a'::citext"), True)
            self.assertEqual(value("SELECT similarity('word', 'word')"), 1)

        def test_django_side(self):
            kept = connection.settings_dict
            self.assertEqual(kept["CONN_MAX_AGE"], 77)
            self.assertTrue(kept["CONN_HEALTH_CHECKS"])
            self.assertTrue(kept["ATOMIC_REQUESTS"])
            self.assertTrue(kept["DISABLE_SERVER_SIDE_CURSORS"])
            self.assertEqual(sorted(kept["OPTIONS"]), ["isolation_level", "options"])
            Author.objects.create(name="One")
            self.assertEqual(len(list(Author.objects.iterator(chunk_size=1))), 1)
"""

MIGRATION = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL("CREATE SCHEMA IF NOT EXISTS own"),
            migrations.RunSQL("CREATE EXTENSION citext SCHEMA public"),
            migrations.RunSQL("CREATE EXTENSION pg_trgm SCHEMA public"),
            migrations.RunSQL("CREATE TABLE own.things AS SELECT 1 AS one"),
        ]
"""

MYSQL = """
    DATABASES["default"] |= {
        "NAME": "any",
        "TEST": {"NAME": "a Name", "CHARSET": "latin1", "COLLATION": "latin1_german2_ci"},
        "OPTIONS": {
            "charset": "utf8mb4",
            "init_command": "SET innodb_lock_wait_timeout = 7, sql_mode = 'TRADITIONAL'",
            "isolation_level": "repeatable read",
            "read_default_file": "/nowhere/my.cnf",
            "ssl": {"ca": "/nowhere/ca.pem"},
            "unix_socket": "/nowhere/mysqld.sock",
        },
        "CONN_MAX_AGE": 77,
        "ATOMIC_REQUESTS": True,
        "TIME_ZONE": "Asia/Tokyo",
    }
"""

MYSQL_TESTS = """
    def value(query):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return cursor.fetchone()[0]

    class Kept(TransactionTestCase):
        def test_database(self):
            self.assertEqual(value("SELECT database()"), "a Name")
            self.assertEqual(value("SELECT @@character_set_database"), "latin1")
            self.assertEqual(value("SELECT @@collation_database"), "latin1_german2_ci")

        def test_user(self):
            self.assertEqual(value("SELECT current_user()").partition("@")[0], "outcomes")
            self.assertEqual(value("SELECT user()").partition("@")[0], "outcomes")

        def test_session(self):
            self.assertEqual(value("SELECT @@innodb_lock_wait_timeout"), 7)
            self.assertIn("TRADITIONAL", value("SELECT @@sql_mode"))
            self.assertEqual(value("SELECT @@character_set_client"), "utf8mb4")
            name = "transaction_isolation" if connection.mysql_version >= (11, 1) or not (
                connection.mysql_is_mariadb) else "tx_isolation"
            self.assertEqual(value(f"SELECT @@{name}"), "REPEATABLE-READ")

        def test_time_zones(self):
            self.assertIsNotNone(
                value("SELECT convert_tz('2026-01-01 00:00', 'UTC', 'Europe/Berlin')")
            )

        def test_django_side(self):
            kept = connection.settings_dict
            self.assertEqual(kept["CONN_MAX_AGE"], 77)
            self.assertTrue(kept["ATOMIC_REQUESTS"])
            self.assertEqual(
                sorted(kept["OPTIONS"]), ["charset", "init_command", "isolation_level"]
            )
"""

SQLITE = """
    here = Path(__file__).resolve().parent.parent
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": here / "default.sqlite3",
            "OPTIONS": {"timeout": 7},
            "ATOMIC_REQUESTS": True,
        },
        "file": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": here / "file.sqlite3",
            "TEST": {"NAME": here / "test_file.sqlite3"},
        },
        "shared": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": "file:shared?mode=memory&cache=shared",
            "TEST": {"NAME": "file:test_shared?mode=memory&cache=shared"},
        },
        "copy": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": here / "default.sqlite3",
            "TEST": {"MIRROR": "default"},
        },
    }
"""

SQLITE_TESTS = """
    from django.db import connections

    class Kept(TransactionTestCase):
        databases = "__all__"

        def test_places(self):
            names = {alias: str(connections[alias].settings_dict["NAME"]) for alias in connections}
            self.assertIn("mode=memory", names["default"])
            self.assertTrue(names["file"].endswith(".sqlite3"))
            self.assertEqual(names["shared"], "file:test_shared?mode=memory&cache=shared")
            self.assertFalse(Path("test_file.sqlite3").exists())

        def test_apart(self):
            for alias in ("default", "file", "shared"):
                Author.objects.using(alias).create(name=f"Only in {alias}")
            for alias in ("default", "file", "shared"):
                found = Author.objects.using(alias).filter(name__startswith="Only")
                self.assertEqual([one.name for one in found], [f"Only in {alias}"])

        def test_threads_share_a_database_in_memory(self):
            Author.objects.using("shared").create(name="Seen")
            seen = []

            def look():
                seen.append(Author.objects.using("shared").filter(name="Seen").count())
                connections["shared"].close()

            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            self.assertEqual(seen, [1])

        def test_django_side(self):
            kept = connection.settings_dict
            self.assertEqual(kept["OPTIONS"], {"timeout": 7})
            self.assertTrue(kept["ATOMIC_REQUESTS"])

    class Mirrored(TestCase):
        databases = {"default", "copy"}

        def test_mirror(self):
            self.assertEqual(Author.objects.using("copy").count(), 1)
"""

POOL = """
    DATABASES["default"]["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 3}}
"""

POOL_TESTS = """
    class Pooled(TransactionTestCase):
        def test_pool(self):
            connection.ensure_connection()
            self.assertEqual(connection.pool.max_size, 3)
            self.assertIn("ctest-", connection.settings_dict["HOST"])
            self.assertEqual(Author.objects.count(), 1)

    class PooledToo(TestCase):
        def test_pool(self):
            self.assertEqual(Author.objects.count(), 1)
"""

UNMIGRATED = """
    DATABASES["default"]["TEST"] = {"MIGRATE": False}
"""

UNMIGRATED_TESTS = """
    class Unmigrated(TestCase):
        def test_rows_of_migrations_are_missing(self):
            self.assertEqual(Author.objects.count(), 0)
"""


def add_settings(project: Path, text: str) -> None:
    """Append lines to a project's settings."""
    settings = project / "outcomes" / "settings.py"
    settings.write_text(settings.read_text() + dedent(text))


@pytest.mark.usefixtures("no_container_is_left")
def test_what_settings_say_of_postgresql_is_kept(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    add_settings(project, POSTGRESQL)
    write_tests(project, POSTGRESQL_TESTS)
    (project / "library" / "migrations" / "0004_own.py").write_text(dedent(MIGRATION))

    done = run(project, env=postgresql_env)

    assert done.code == 0, done.output


@pytest.mark.parametrize("driver", ["mysqlclient", "pymysql"])
@pytest.mark.usefixtures("no_container_is_left")
def test_what_settings_say_of_mysql_is_kept(
    driver: str, project: Path, mysql_env: dict[str, str]
) -> None:
    add_settings(project, MYSQL)
    write_tests(project, MYSQL_TESTS)

    done = run(project, env={**mysql_env, "OUTCOMES_DB_DRIVER": driver})

    assert done.code == 0, done.output


def test_what_settings_say_of_sqlite_is_kept(project: Path, sqlite_env: dict[str, str]) -> None:
    add_settings(project, SQLITE)
    write_tests(project, SQLITE_TESTS)

    done = run(project, "--parallel", "2", env=sqlite_env)

    assert done.code == 0, done.output
    assert list(project.glob("*.sqlite3")) == []


@pytest.mark.usefixtures("no_container_is_left")
def test_a_pool_of_connections_leads_to_the_isolated_server(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    add_settings(project, POOL)
    write_tests(project, POOL_TESTS)

    done = run(project, "--parallel", "2", env=postgresql_env)

    assert done.code == 0, done.output


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_database_without_migrations_has_tables_and_no_rows(
    vendor: str, project: Path, request: pytest.FixtureRequest
) -> None:
    add_settings(project, UNMIGRATED)
    write_tests(project, UNMIGRATED_TESTS)

    done = run(project, env=request.getfixturevalue(f"{vendor}_env"))

    assert done.code == 0, done.output


@pytest.mark.parametrize("transport", ["socket", "port"])
def test_no_variable_of_libpq_leads_a_run_elsewhere(
    project: Path, postgresql_env: dict[str, str], transport: str
) -> None:
    """An address in it would be where Django connects to, whatever its settings say."""
    write_tests(
        project,
        """
        class TestIt(TestCase):
            def test_it(self):
                self.assertEqual(Author.objects.count(), 1)
        """,
    )
    leading = {
        "PGHOSTADDR": "127.0.0.9",
        "PGSERVICE": "nowhere",
        "PGSSLMODE": "verify-full",
        "PGTARGETSESSIONATTRS": "standby",
    }

    done = run(project, "--transport", transport, env={**postgresql_env, **leading})

    assert done.code == 0, done.output
