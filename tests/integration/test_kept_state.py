"""What a server discards when it stops is there all the same in every server of a template."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from harness.histories import KEEP_THE_LAST_LAYER
from harness.projects import run, write_tests
from harness.tiers import further

MEMORY = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL([
                "CREATE TABLE rate_cache (id INT PRIMARY KEY AUTO_INCREMENT, k VARCHAR(20), v INT)"
                " ENGINE=MEMORY",
                "INSERT INTO rate_cache (k, v) VALUES ('a', 1), ('b', NULL), ('ü', 3), ('d', 4)",
                "DELETE FROM rate_cache WHERE k = 'd'",
                "CREATE TABLE no_rows (v INT) ENGINE=MEMORY",
                "CREATE TRIGGER harmless BEFORE INSERT ON no_rows FOR EACH ROW SET NEW.v = 1",
                # More than the server allows unless a session asks for it.
                "SET SESSION max_heap_table_size = 64 * 1024 * 1024",
                "CREATE TABLE large (text VARCHAR(1000)) CHARACTER SET utf8mb4 ENGINE=MEMORY",
                "INSERT INTO large VALUES ('x')",
                *["INSERT INTO large SELECT * FROM large"] * 13,
            ]),
        ]
"""

VARIABLES = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [
            migrations.RunSQL("SET GLOBAL group_concat_max_len = 1000000"),
            migrations.RunSQL("SET GLOBAL init_connect = 'SET @said = \\\"it\\\"'"),
            migrations.RunSQL("SET GLOBAL long_query_time = 2.5"),
            migrations.RunSQL("SET GLOBAL log_bin_trust_function_creators = ON"),
        ]
"""

ASK = """
    def rows(query):
        with connection.cursor() as cursor:
            cursor.execute(query)
            return list(cursor.fetchall())
"""

MEMORY_TESTS = """
    class Base:
        def test_rows(self):
            kept = rows("SELECT id, k, v FROM rate_cache ORDER BY id")
            self.assertEqual(kept, [(1, "a", 1), (2, "b", None), (3, "ü", 3)])
            self.assertEqual(rows("SELECT * FROM no_rows"), [])
            self.assertEqual(rows("SELECT count(*) FROM large"), [(2**13,)])

    class First(Base, TestCase):
        pass

    class Second(Base, TransactionTestCase):
        pass

    class Third(TransactionTestCase):
        def test_the_next_number_is_that_of_a_fresh_server(self):
            with connection.cursor() as cursor:
                cursor.execute("INSERT INTO rate_cache (k) VALUES ('e')")
                self.assertEqual(cursor.lastrowid, 5)
"""

VARIABLE_TESTS = """
    class Base:
        def test_variables(self):
            expected = {
                "group_concat_max_len": 1000000,
                "init_connect": 'SET @said = "it"',
                "long_query_time": 2.5,
                "log_bin_trust_function_creators": 1,
            }
            values = {name: rows(f"SELECT @@GLOBAL.{name}")[0][0] for name in expected}
            self.assertEqual(values, expected)

    class First(Base, TestCase):
        pass

    class Second(Base, TransactionTestCase):
        pass
"""

ALL_IN_MEMORY = """
    class Kept(TestCase):
        def test_rows(self):
            (applied,) = rows("SELECT count(*) FROM django_migrations")[0]
            self.assertGreater(applied, 3)
            self.assertEqual(Author.objects.count(), 1)
"""

NOTHING_KEPT = """
    class Nothing(TestCase):
        def test_tables(self):
            own = rows(
                "SELECT table_name FROM information_schema.tables"
                " WHERE table_schema = 'mysql' AND table_name LIKE 'ctest%kept%'"
            )
            self.assertEqual(own, [])
"""

MARIADB_FIRST = pytest.mark.parametrize(
    "mysql_flavour",
    [
        "mariadb",
        pytest.param("mysql", marks=further("Rows are copied with the same statements.")),
    ],
)
MYSQL_FIRST = pytest.mark.parametrize(
    "mysql_flavour",
    [
        "mysql",
        pytest.param("mariadb", marks=further("It has fewer variables, and sets none by itself.")),
    ],
)

GROWN = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "LAST")]
        operations = [migrations.RunSQL("CREATE TABLE grown (v INT)")]
"""


def _migrate(project: Path, name: str, text: str) -> None:
    folder = project / "library" / "migrations"
    last = max(file.stem for file in folder.glob("0*.py"))
    (folder / f"{name}.py").write_text(dedent(text).replace("LAST", last))


def _assert_passes_fresh_and_grown(project: Path, env: dict[str, str], *options: str) -> None:
    """The project's tests pass on a new template, and on one that goes on from a layer of it."""
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(KEEP_THE_LAST_LAYER)
    fresh = run(project, "library.test_it", "--parallel", "2", *options, env=env)
    _migrate(project, "0005_grown", GROWN)
    grown = run(project, "library.test_it", "--parallel", "1", *options, env=env)

    assert fresh.code == 0, fresh.output
    assert "incrementally" in grown.output
    assert grown.code == 0, grown.output


@MARIADB_FIRST
@pytest.mark.usefixtures("no_container_is_left")
def test_rows_of_memory_tables_are_there_after_further_migrations_too(
    project: Path, mysql_env: dict[str, str]
) -> None:
    _migrate(project, "0004_memory", MEMORY)
    write_tests(project, ASK + MEMORY_TESTS)

    _assert_passes_fresh_and_grown(project, mysql_env)


@MYSQL_FIRST
@pytest.mark.usefixtures("no_container_is_left")
def test_what_migrations_set_globally_holds_in_every_server(
    project: Path, mysql_env: dict[str, str]
) -> None:
    _migrate(project, "0004_variables", VARIABLES)
    write_tests(project, ASK + VARIABLE_TESTS)

    _assert_passes_fresh_and_grown(project, mysql_env)


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_whose_tables_are_all_in_memory_has_its_rows(
    project: Path, mysql_env: dict[str, str]
) -> None:
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(
            'DATABASES["default"]["OPTIONS"] = {"init_command": '
            '"SET default_storage_engine=MEMORY"}\n'
        )
    write_tests(project, ASK + ALL_IN_MEMORY)

    done = run(project, "library.test_it", "--verify-templates", env=mysql_env)
    again = run(project, "library.test_it", "--verify-templates", env=mysql_env)

    assert done.code == 0, done.output
    assert again.code == 0, again.output
    assert "Building the template" not in again.output


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_memory_table_whose_triggers_would_see_its_rows_again_is_refused_by_name(
    project: Path, mysql_env: dict[str, str]
) -> None:
    _migrate(project, "0004_memory", MEMORY)
    trigger = GROWN.replace(
        "CREATE TABLE grown (v INT)",
        "CREATE TRIGGER counted AFTER INSERT ON rate_cache FOR EACH ROW"
        " INSERT INTO no_rows VALUES (1)",
    )
    _migrate(project, "0005_trigger", trigger)

    done = run(project, "library.test_outcomes.Writing", env=mysql_env)

    assert done.code == 2, done.output
    assert "The rows of the MEMORY table rate_cache cannot be kept" in done.output


@MYSQL_FIRST
@pytest.mark.usefixtures("no_container_is_left")
def test_no_tables_are_added_if_a_stop_discards_nothing(
    project: Path, mysql_env: dict[str, str]
) -> None:
    write_tests(project, ASK + NOTHING_KEPT)

    done = run(project, "library.test_it", env=mysql_env)

    assert done.code == 0, done.output


VERSIONED = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "LAST")]
        operations = [
            migrations.RunSQL("CREATE TABLE past (v INT) ENGINE=MEMORY WITH SYSTEM VERSIONING"),
            migrations.RunSQL("INSERT INTO past VALUES (1), (2)"),
        ]
"""

EVENT = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "LAST")]
        operations = [
            migrations.RunSQL("CREATE TABLE ticks (v INT)"),
            migrations.RunSQL(
                "CREATE EVENT ticking ON SCHEDULE EVERY 1 SECOND DO INSERT INTO ticks VALUES (1)"
            ),
        ]
"""


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_template_that_loses_rows_is_refused_incrementally_and_from_scratch(
    project: Path, mysql_env: dict[str, str], project_name: str
) -> None:
    # A template of the same project that another test has built would have no layer.
    options = ["library.test_outcomes.Writing", "--project", project_name]
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(KEEP_THE_LAST_LAYER)
    run(project, *options, env=mysql_env)
    _migrate(project, "0099_versioned", VERSIONED)

    done = run(project, *options, env=mysql_env)

    assert done.code == 2, done.output
    lost = "rows of past in the database test_outcomes: 0 instead of 2."
    assert "resuming from an earlier build failed. A server that starts" in done.output
    assert done.output.count(lost) == 2, done.output


@pytest.mark.parametrize("mysql_flavour", ["mysql"])
@pytest.mark.usefixtures("no_container_is_left")
def test_rows_that_an_event_adds_are_not_counted(project: Path, mysql_env: dict[str, str]) -> None:
    _migrate(project, "0099_event", EVENT)

    done = run(project, "library.test_outcomes.Writing", env=mysql_env)

    assert done.code == 0, done.output


LOCKED = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "LAST")]
        operations = [
            migrations.RunSQL("ALTER USER 'root'@'localhost' IDENTIFIED BY 'lost' ACCOUNT LOCK")
        ]
"""


@pytest.mark.parametrize("mysql_flavour", ["mariadb"])
@pytest.mark.usefixtures("no_container_is_left")
def test_the_toolkit_does_not_depend_on_accounts_that_migrations_can_lock(
    project: Path, mysql_env: dict[str, str]
) -> None:
    _migrate(project, "0099_locked", LOCKED)

    done = run(project, "library.test_outcomes.Writing", "--transport", "port", env=mysql_env)

    assert done.code == 0, done.output


ROLE = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("library", "0003_book")]
        operations = [migrations.RunSQL("CREATE ROLE reporting LOGIN PASSWORD 'open-sesame'")]
"""

ROLE_TESTS = """
    import psycopg2

    class Role(TestCase):
        def test_login(self):
            kept = connection.settings_dict
            for password in ("open-sesame", "wrong"):
                try:
                    psycopg2.connect(
                        host=kept["HOST"], port=kept["PORT"], dbname=kept["NAME"],
                        user="reporting", password=password,
                    ).close()
                    self.assertEqual(password, "open-sesame")
                except psycopg2.OperationalError:
                    self.assertEqual(password, "wrong")
"""


@pytest.mark.usefixtures("no_container_is_left")
def test_a_role_that_a_migration_creates_logs_in_with_its_password(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    _migrate(project, "0004_role", ROLE)
    write_tests(project, ROLE_TESTS)

    _assert_passes_fresh_and_grown(project, postgresql_env, "--transport", "port")
