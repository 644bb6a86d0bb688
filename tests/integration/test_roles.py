"""Tests are refused whatever PostgreSQL refuses to the project's role, as in a serial run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

import docker
import psycopg2
import pytest
from harness.projects import Finished, assert_agree, django, environment, run, toolkit
from harness.servers import Plain, plain_server

from ctest_containers.backends import BACKENDS
from ctest_containers.model import GUEST, OWNER, Address, Vendor

SETTINGS = """
    import os

    SECRET_KEY = "x"
    INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop"]
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "roles",
            "USER": os.environ.get("ROLES_USER", "tenants"),
            "HOST": os.environ.get("ROLES_HOST", "127.0.0.1"),
            "PORT": "5432" if "ROLES_HOST" in os.environ else "1",
        },
    }
    if "ROLES_ALIASES" in os.environ:
        DATABASES["other"] = {
            **DATABASES["default"],
            "NAME": "roles_other",
            "USER": "connecting",
            "OPTIONS": {"assume_role": "acting"},
            "TEST": {"DEPENDENCIES": [], "MIGRATE": False},
        }
        DATABASES["mirror"] = {
            **DATABASES["default"],
            "USER": "reading",
            "TEST": {"MIRROR": "default"},
        }
"""

ROLES = """
    CREATE ROLE tenants LOGIN CREATEDB CREATEROLE;
    ALTER ROLE tenants SET createrole_self_grant = 'set';
    CREATE ROLE connecting LOGIN;
    CREATE ROLE acting CREATEDB;
    GRANT acting TO connecting;
"""
"""What the administrator of an ordinary server would do for the project."""

MODELS = """
    from django.db import models

    class Item(models.Model):
        name = models.CharField(max_length=50)

    class Seen(models.Model):
        count = models.IntegerField()
"""

ITEMS = """
    from django.db import migrations, models

    class Migration(migrations.Migration):
        initial = True
        dependencies = []
        operations = [
            migrations.CreateModel(name, [("id", models.BigAutoField(primary_key=True)), field])
            for name, field in [
                ("Item", ("name", models.CharField(max_length=50))),
                ("Seen", ("count", models.IntegerField())),
            ]
        ]
"""

BY_SQL = """
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_items")]
        operations = [migrations.RunSQL(statement) for statement in STATEMENTS]
"""

TENANTS = """
    from django.db import migrations

    def fill(apps, schema_editor):
        items = apps.get_model("shop", "Item").objects.using(schema_editor.connection.alias)
        for name in "ab":
            with schema_editor.connection.cursor() as cursor:
                cursor.execute("INSERT INTO shop_item (name) VALUES (%s)", [name])
        apps.get_model("shop", "Seen").objects.using(items.db).create(count=items.count())

    class Migration(migrations.Migration):
        dependencies = [("shop", "0001_items")]
        operations = [
            migrations.RunSQL(
                "ALTER TABLE shop_item ENABLE ROW LEVEL SECURITY;"
                "ALTER TABLE shop_item FORCE ROW LEVEL SECURITY;"
                "CREATE POLICY own ON shop_item"
                " USING (name = current_setting('app.tenant', true)) WITH CHECK (true)"
            ),
            migrations.RunPython(fill),
        ]
"""

GRANTS = """
    from django.contrib.postgres.operations import BloomExtension, HStoreExtension
    from django.db import migrations

    class Migration(migrations.Migration):
        dependencies = [("shop", "0002_tenants")]
        operations = [
            HStoreExtension(),
            BloomExtension(),
            migrations.RunSQL(
                "CREATE TABLE ledger (amount int);"
                "DO $$ BEGIN CREATE ROLE reporting;"
                " EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                "GRANT SELECT ON shop_seen TO reporting;"
                "CREATE ROLE reading LOGIN;"
                "ALTER ROLE reading SET statement_timeout = '7min';"
                "REVOKE SELECT ON ledger FROM CURRENT_USER;"
                "ALTER ROLE CURRENT_USER SET work_mem = '7MB'"
            ),
        ]
"""

TESTS = """
    from django.db import ProgrammingError, connection, connections
    from django.test import TestCase, TransactionTestCase
    from shop.models import Item, Seen

    def ask(statement, alias="default"):
        with connections[alias].cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchone() if cursor.description else None

    class Tenants:
        def test_1_a_tenant_sees_its_own_rows(self):
            ask("SET app.tenant = 'c'")
            ask("INSERT INTO shop_item (name) VALUES ('c'), ('d')")
            self.assertEqual([one.name for one in Item.objects.all()], ["c"])

        def test_2_without_a_tenant_no_rows_are_seen(self):
            ask("RESET app.tenant")
            self.assertEqual([*Item.objects.all()], [])

    class Inside(Tenants, TestCase):
        def test_a_migration_saw_no_rows(self):
            self.assertEqual([one.count for one in Seen.objects.all()], [0])

        def test_the_rows_of_a_migration(self):
            ask("SET LOCAL app.tenant = 'a'")
            self.assertEqual(Item.objects.count(), 1)

    class Outside(Tenants, TransactionTestCase):
        serialized_rollback = True

        def test_3_rows_are_there(self):
            Seen.objects.get().delete()

        def test_4_rows_are_there_again(self):
            Seen.objects.get()

    class Mirror(TestCase):
        databases = {"default", "mirror"}

        def test_role(self):
            self.assertEqual(ask("SELECT current_user", "mirror"), ("reading",))

        def test_a_missing_privilege(self):
            ask("SELECT * FROM shop_item", "mirror")

        def test_a_guest_creates_no_role(self):
            with self.assertRaises(ProgrammingError):
                ask("CREATE ROLE another", "mirror")

        def test_what_a_migration_did_to_a_guest(self):
            self.assertEqual(ask("SHOW statement_timeout", "mirror"), ("7min",))

    class Privileges(TestCase):
        def test_a_privilege_that_was_revoked(self):
            ask("SELECT * FROM ledger")

        def test_a_role_that_a_migration_created(self):
            ask("SET LOCAL ROLE reporting")
            ask("SELECT count(*) FROM shop_seen")
            with self.assertRaisesMessage(ProgrammingError, "permission denied"):
                ask("INSERT INTO shop_seen (count) VALUES (1)")

        def test_not_a_superuser(self):
            self.assertEqual(ask("SHOW is_superuser"), ("off",))

        def test_what_a_migration_did_to_the_role(self):
            self.assertEqual(ask("SHOW work_mem"), ("7MB",))

        def test_an_extension(self):
            ask("CREATE EXTENSION pg_trgm")

    class Assumed(TestCase):
        databases = {"other"}

        def test_roles(self):
            names = ask("SELECT session_user, current_user", "other")
            self.assertEqual(names, ("connecting", "acting"))
"""

IS_SUPERUSER = """
    from django.db import connection
    from django.test import TestCase

    class Role(TestCase):
        def test_role(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT current_user, current_setting('is_superuser')")
                self.assertEqual(cursor.fetchone(), EXPECTED)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two tables, two databases, and three roles."""
    folder = tmp_path / "roles"
    write(folder / "manage.py", MANAGE)
    write(folder / "settings.py", SETTINGS)
    write(folder / "shop" / "__init__.py", "")
    write(folder / "shop" / "models.py", MODELS)
    write(folder / "shop" / "migrations" / "__init__.py", "")
    migrate(folder, "0001_items", ITEMS)
    return folder


MANAGE = """
    import os
    import sys

    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
    execute_from_command_line(sys.argv)
"""


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text))


def migrate(project: Path, name: str, text: str) -> None:
    write(project / "shop" / "migrations" / f"{name}.py", text)


def migrate_by_sql(project: Path, *statements: str) -> None:
    """Add a migration that runs these statements after the first one."""
    migrate(project, "0002_statements", BY_SQL.replace("STATEMENTS", repr([*statements])))


def expect(project: Path, user: str, *, is_superuser: bool) -> None:
    """Write a test that expects to run as this role, a superuser or not."""
    expected = (user, "on" if is_superuser else "off")
    write(project / "shop" / "tests.py", IS_SUPERUSER.replace("EXPECTED", repr(expected)))


@pytest.fixture
def env(cache: Path, engine: object) -> dict[str, str]:
    """For the project; the server that its settings name does not exist."""
    del engine
    return environment(cache, {"DJANGO_SETTINGS_MODULE": "settings"})


RESTRICTING = [
    "ALTER TABLE things ENABLE ROW LEVEL SECURITY",
    "GRANT SELECT ON things TO PUBLIC",
    "GRANT UPDATE (number) ON things TO PUBLIC",
    "REVOKE DELETE ON things FROM CURRENT_USER",
    "REVOKE EXECUTE ON FUNCTION twice FROM PUBLIC",
    "REVOKE USAGE ON TYPE mood FROM PUBLIC",
    "GRANT USAGE ON SCHEMA apart TO PUBLIC",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SEQUENCE things_number_seq TO PUBLIC",
    "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    "REVOKE CONNECT ON DATABASE roles_here FROM PUBLIC",
    "CREATE ROLE boss; GRANT CREATE ON SCHEMA public TO boss; ALTER TABLE things OWNER TO boss",
    "CREATE ROLE boss; CREATE SCHEMA theirs AUTHORIZATION boss",
    "CREATE ROLE boss",
    "ALTER ROLE CURRENT_USER SET work_mem = '7MB'",
    "CREATE DATABASE roles_there; REVOKE CONNECT ON DATABASE roles_there FROM PUBLIC",
]
"""Statements after which it matters what a role may do."""

SHOW = "SHOW is_superuser"

OF_EXTENSION = """
    CREATE TABLE spatial (number int PRIMARY KEY);
    ALTER EXTENSION hstore ADD TABLE spatial;
"""
"""A table of an extension; its index belongs to the extension only indirectly."""

HARMLESS = """
    CREATE EXTENSION hstore;
    CREATE TABLE things (number serial PRIMARY KEY);
    CREATE SCHEMA apart;
    CREATE TYPE mood AS ENUM ('good');
    CREATE FUNCTION twice(number int) RETURNS int LANGUAGE sql AS 'SELECT 2 * number';
    CREATE POLICY not_in_force ON things USING (false);
"""


@pytest.fixture(scope="module")
def empty(engine: docker.DockerClient) -> Iterator[str]:
    """The socket folder of a server that has only the roles that it was made with."""
    with plain_server(engine, "postgresql", []) as host:
        yield host


@pytest.mark.parametrize("statement", ["", *RESTRICTING])
def test_it_is_known_whether_anything_depends_on_what_an_owner_may_do(
    statement: str, empty: str
) -> None:
    host = empty
    backend = BACKENDS[Vendor("postgresql")]
    address = Address(host=host, port=backend.port, user=backend.admin)
    backend.prepare(address, ["me %s"], privileges=OWNER)
    with session(host, "me %s") as cursor:
        cursor.execute("CREATE DATABASE roles_here")
    try:
        with session(host, "me %s", "roles_here") as cursor:
            cursor.execute(HARMLESS)
        with session(host, backend.admin, "roles_here") as cursor:
            cursor.execute(OF_EXTENSION)
        with session(host, "me %s", "roles_here") as cursor:
            for one in filter(None, statement.split("; ")):
                cursor.execute(one)

        is_restricted = backend.is_restricted(address, ["me %s"])
        backend.promote_roles(address, ["me %s"])
        with session(host, "me %s") as cursor:
            cursor.execute(SHOW)
            promoted = cursor.fetchone()
        backend.prepare(address, ["me %s"], privileges=OWNER)
        with session(host, "me %s") as cursor:
            cursor.execute(SHOW)
            prepared = cursor.fetchone()
    finally:
        with session(host, backend.admin) as cursor:
            cursor.execute("DROP DATABASE roles_here")
            cursor.execute("DROP DATABASE IF EXISTS roles_there")
            cursor.execute("DROP ROLE IF EXISTS boss")
            cursor.execute('DROP ROLE "me %s"')

    assert is_restricted == bool(statement)
    assert (promoted, prepared) == (("on",), ("off",))


def test_a_role_that_is_created_later_becomes_a_member_of_the_one_that_it_assumes(
    empty: str,
) -> None:
    backend = BACKENDS[Vendor("postgresql")]
    address = Address(host=empty, port=backend.port, user=backend.admin)
    pairs = [("owning", "visiting")]
    try:
        backend.prepare(address, ["owning"], pairs, OWNER)
        backend.prepare(address, ["visiting"], pairs, GUEST)

        with session(empty, "visiting") as cursor:
            cursor.execute("SET ROLE owning")
            cursor.execute("SELECT session_user, current_user, current_setting('is_superuser')")
            found = cursor.fetchone()
    finally:
        with session(empty, backend.admin) as cursor:
            cursor.execute("DROP ROLE owning, visiting")

    assert found == ("visiting", "owning", "off")


@contextmanager
def session(host: str, user: str, database: str = "postgres") -> Iterator[Any]:
    """A cursor of a session in which each statement is a transaction."""
    connection = psycopg2.connect(host=host, user=user, dbname=database)
    connection.autocommit = True
    try:
        yield connection.cursor()
    finally:
        connection.close()


@pytest.fixture
def ordinary(plain: Plain) -> Iterator[str]:
    """The socket folder of a server whose roles are not superusers."""
    host = plain("postgresql")["OUTCOMES_DB_HOST"]
    with session(host, "postgres") as cursor:
        cursor.execute(ROLES)
        yield host
        cursor.execute("DROP ROLE tenants, connecting, acting, reporting, reading")


def serial(project: Path, host: str, env: Mapping[str, str], record: Path) -> Finished:
    return django(project, env={**env, "ROLES_HOST": host}, record=record)


@pytest.mark.usefixtures("no_container_is_left")
def test_row_security_and_privileges_are_those_of_an_ordinary_role(
    project: Path, ordinary: str, env: dict[str, str], tmp_path: Path
) -> None:
    migrate(project, "0002_tenants", TENANTS)
    migrate(project, "0003_grants", GRANTS)
    write(project / "shop" / "tests.py", TESTS)
    env["ROLES_ALIASES"] = "several"
    expected = serial(project, ordinary, env, tmp_path / "truth")

    forked = toolkit(project, "--parallel", "2", env=env, record=tmp_path / "ours")
    spawned = toolkit(
        *(project, "--parallel", "2", "--start-method", "spawn", "--transport", "port"),
        env=env,
        record=tmp_path / "ours",
    )

    failed = [test for test, kind, _ in expected.outcomes if kind in {"failure", "error"}]
    names = ["test_a_missing_privilege", "test_a_privilege_that_was_revoked"]
    assert sorted(name.split()[0] for name in failed) == names, expected.output
    assert "needs a superuser" not in forked.output
    assert_agree(expected, forked)
    assert_agree(expected, spawned)


def test_a_role_is_a_superuser_while_nothing_depends_on_it(
    project: Path, env: dict[str, str]
) -> None:
    expect(project, "tenants", is_superuser=True)
    first = run(project, env=env)
    expect(project, "others", is_superuser=True)
    shared = run(project, env={**env, "ROLES_USER": "others"})
    migrate(project, "0002_tenants", TENANTS)
    expect(project, "tenants", is_superuser=False)
    second = run(project, env=env)
    expect(project, "others", is_superuser=False)
    other = run(project, env={**env, "ROLES_USER": "others"})
    expect(project, "tenants", is_superuser=False)
    again = run(project, env=env)

    assert first.code == 0, first.output
    assert shared.code == 0, shared.output
    assert "Using the template" in shared.output
    assert second.code == 0, second.output
    assert "changed: USER of 'default' ('tenants', now 'others')" in other.output
    assert other.code == 0, other.output
    assert "Using the template" in again.output
    assert again.code == 0, again.output


def test_a_migration_that_needs_a_superuser_gets_one(project: Path, env: dict[str, str]) -> None:
    migrate_by_sql(project, "CREATE PUBLICATION everything FOR ALL TABLES")
    expect(project, "tenants", is_superuser=True)
    first = run(project, env=env)
    refused = run(project, "--database-role", "owner", env=env)

    assert first.code == 0, first.output
    needed = (
        "a migration needs a superuser, so tests run as one as well: must be superuser to create"
    )
    assert needed in first.output
    assert "Traceback" not in first.output
    assert refused.code == 2
    assert "must be superuser to create" in refused.output
    assert "use --database-role auto or superuser" in refused.output


def test_a_migration_that_violates_a_policy_fails_as_under_django(
    project: Path, env: dict[str, str]
) -> None:
    migrate_by_sql(
        project,
        "ALTER TABLE shop_item ENABLE ROW LEVEL SECURITY",
        "ALTER TABLE shop_item FORCE ROW LEVEL SECURITY",
        "INSERT INTO shop_item (name) VALUES ('x')",
    )
    expect(project, "tenants", is_superuser=False)

    done = run(project, env=env)

    assert done.code == 2
    assert "new row violates row-level security policy" in done.output
    assert "needs a superuser" not in done.output


def test_the_toolkits_work_is_not_led_astray_by_what_a_database_sets(
    project: Path, env: dict[str, str]
) -> None:
    migrate_by_sql(
        project,
        "CREATE ROLE acting_here",
        "ALTER DATABASE test_roles SET role = 'acting_here'",
        "ALTER DATABASE test_roles SET default_transaction_read_only = on",
    )
    tests = IS_SUPERUSER.replace("EXPECTED", repr(("acting_here", "off")))
    write(project / "shop" / "tests.py", tests)

    done = run(project, env=env)

    assert done.code == 0, done.output


def test_the_option_owner_keeps_the_role_an_owner(project: Path, env: dict[str, str]) -> None:
    expect(project, "tenants", is_superuser=False)

    owner = run(project, "--database-role", "owner", env=env)

    assert owner.code == 0, owner.output


def test_the_option_superuser_wins_over_row_security(project: Path, env: dict[str, str]) -> None:
    migrate(project, "0002_tenants", TENANTS)
    expect(project, "tenants", is_superuser=True)

    superuser = run(project, env={**env, "CTEST_CONTAINERS_DATABASE_ROLE": "superuser"})

    assert superuser.code == 0, superuser.output


def test_the_first_role_of_a_server_is_a_superuser(project: Path, env: dict[str, str]) -> None:
    migrate(project, "0002_tenants", TENANTS)
    expect(project, "postgres", is_superuser=True)

    named = run(project, env={**env, "ROLES_USER": "postgres"})
    unnamed = run(project, env={**env, "ROLES_USER": ""})
    expect(project, "tenants", is_superuser=False)
    by_variable = run(project, env={**env, "ROLES_USER": "", "PGUSER": "tenants"})
    ordinary = run(project, env=env)

    assert named.code == 0, named.output
    assert unnamed.code == 0, unnamed.output
    assert by_variable.code == 0, by_variable.output
    assert ordinary.code == 0, ordinary.output


@pytest.mark.usefixtures("no_container_is_left")
def test_the_toolkit_does_not_depend_on_roles_that_migrations_can_spoil(
    project: Path, env: dict[str, str]
) -> None:
    migrate_by_sql(
        project,
        "ALTER ROLE postgres SET default_transaction_read_only = on",
        "ALTER ROLE postgres NOLOGIN",
    )
    expect(project, "tenants", is_superuser=True)

    done = run(project, env=env)

    assert done.code == 0, done.output
