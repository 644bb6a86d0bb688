"""The roles of a PostgreSQL server: the toolkit's own administrator, and those of the project.

What a role of the project may do is decided when the toolkit creates it. From then on, migrations
and tests may change it, and the toolkit does so only once: if nothing in the complete databases
depends on what roles may do, the roles that the toolkit has created become superusers.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, Final

from ctest_containers.backends.postgresql.catalog import NAMESPACES, NOT_OF_EXTENSION
from ctest_containers.backends.postgresql.session import ADMIN, FIRST_PROCESS, admin_cursor
from ctest_containers.errors import ServerError
from ctest_containers.model import GUEST, OWNER, SUPERUSER, Address, Secret

DATABASES: Final = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"

FIRST: Final = "postgres"
"""The role that `initdb` makes: the administrator of a server that nobody has configured."""

CREATED: Final = "ctest-containers: not a superuser"
PROMOTED: Final = "ctest-containers: superuser while nothing depends on roles"
RAISED: Final = "ctest-containers: superuser"
"""The comments on roles that tell a later build what the toolkit did to them."""

SELF_GRANT: Final = "createrole_self_grant=set"
SELF_GRANT_VERSION: Final = 160000
"""Since PostgreSQL 16, the creator of a role cannot assume it unless a setting allows that."""

TRUSTED_VERSION: Final = 130000
"""Since PostgreSQL 13, the owner of a database may create extensions that are trusted."""

TRUST: Final = """
for file in "$1"/*.control; do
    grep -q "^ *trusted" "$file" && continue
    { cat "$file" && echo && echo "trusted = true"; } >"$file.new" && mv "$file.new" "$file"
done
"""

OTHER_ROLES: Final = f"""
SELECT EXISTS (
    SELECT FROM pg_roles
    WHERE rolname <> ALL(%(users)s) AND rolname NOT IN ('{ADMIN}', '{FIRST}') AND rolname !~ '^pg_'
) OR EXISTS (
    SELECT FROM pg_db_role_setting s JOIN pg_roles r ON r.oid = setrole
    WHERE rolname = ANY(%(users)s) AND setconfig <> ARRAY['{SELF_GRANT}']
)
"""  # noqa: S608  # Constants.
"""Whether there are roles besides the project's, or settings of the project's roles."""

RESTRICTED: Final = f"""
SELECT EXISTS (
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {NAMESPACES} AND {NOT_OF_EXTENSION.format(oid="c.oid", catalog="pg_class")}
        AND c.relkind NOT IN ('i', 'I')
        AND (c.relrowsecurity OR c.relacl IS NOT NULL
            OR pg_get_userbyid(c.relowner) <> ALL(%(users)s))
) OR EXISTS (
    SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE {NAMESPACES} AND {NOT_OF_EXTENSION.format(oid="c.oid", catalog="pg_class")}
        AND a.attacl IS NOT NULL
) OR EXISTS (
    SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE {NAMESPACES} AND {NOT_OF_EXTENSION.format(oid="p.oid", catalog="pg_proc")}
        AND (p.proacl IS NOT NULL OR pg_get_userbyid(p.proowner) <> ALL(%(users)s))
) OR EXISTS (
    SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE {NAMESPACES} AND {NOT_OF_EXTENSION.format(oid="t.oid", catalog="pg_type")}
        AND t.typacl IS NOT NULL
) OR EXISTS (
    SELECT FROM pg_namespace n LEFT JOIN pg_init_privs i
        ON i.objoid = n.oid AND i.classoid = 'pg_namespace'::regclass
    WHERE {NAMESPACES} AND {NOT_OF_EXTENSION.format(oid="n.oid", catalog="pg_namespace")}
        AND (n.nspacl IS DISTINCT FROM i.initprivs
            OR n.nspname <> 'public' AND pg_get_userbyid(n.nspowner) <> ALL(%(users)s))
) OR EXISTS (
    SELECT FROM pg_largeobject_metadata
    WHERE lomacl IS NOT NULL OR pg_get_userbyid(lomowner) <> ALL(%(users)s)
) OR EXISTS (
    SELECT FROM pg_default_acl
) OR EXISTS (
    SELECT FROM pg_database WHERE datname = current_database() AND datname <> 'postgres'
        AND (datacl IS NOT NULL OR pg_get_userbyid(datdba) <> ALL(%(users)s))
)
"""  # noqa: S608  # Constants.
"""Whether anything in a database depends on what the project's roles may do.

That is row-level security, a privilege that was granted or revoked, or an owner other than these
roles.
"""


def make_admin(address: Address) -> None:
    """Create the toolkit's role on a server that has none, if its socket lets anybody in."""
    with suppress(ServerError), admin_cursor(replace(address, user=FIRST)) as cursor:
        cursor.execute(
            f"SELECT {FIRST_PROCESS}, EXISTS (SELECT FROM pg_roles WHERE rolname = '{ADMIN}')"  # noqa: S608  # A constant.
        )
        process, has_admin = cursor.fetchone()
        # The server that initialises the data is another process, and may undo it.
        if process == "1" and not has_admin:
            cursor.execute(f"CREATE ROLE {ADMIN} SUPERUSER LOGIN")


def admin_command(folder: str, password: Secret) -> tuple[Sequence[str], bytes]:
    """A command in the server's container, and its input, that give the toolkit's role a password.

    Args:
        folder: Where the server's socket is.
    """
    script = (
        f'psql() {{ command psql -qX -v ON_ERROR_STOP=1 -d postgres -h "$1" -U "$2"; }}\n'
        f'echo "" | psql "$1" {ADMIN} 2>/dev/null'
        f' || echo "CREATE ROLE {ADMIN} SUPERUSER LOGIN" | psql "$1" {FIRST}\n'
        f'psql "$1" {ADMIN}'
    )
    statement = f"ALTER ROLE {ADMIN} PASSWORD '{password!s}';\n"
    return ["sh", "-c", script, "sh", folder], statement.encode()


class PostgresqlRoles:
    """See `Roles`."""

    has_owners = True

    def default_user(self) -> str:
        # Without the variable, libpq would use the system user's name.
        return os.environ.get("PGUSER") or FIRST

    def owners_command(self, address: Address) -> Sequence[str]:
        with admin_cursor(address) as cursor:
            cursor.execute(
                "SELECT current_setting('server_version_num')::int, setting FROM pg_config"
                " WHERE name = 'SHAREDIR'"
            )
            version, folder = cursor.fetchone()
        trust = ["sh", "-c", TRUST, "sh", f"{folder}/extension"]
        return trust if version >= TRUSTED_VERSION else ()

    def prepare(
        self,
        address: Address,
        users: Sequence[str],
        memberships: Sequence[tuple[str, str]] = (),
        privileges: str = "",
    ) -> None:
        with admin_cursor(address) as cursor:
            _prepare(cursor, users, memberships, privileges, address.password)

    def promote_roles(self, address: Address, users: Sequence[str]) -> None:
        from psycopg2 import sql

        with admin_cursor(address) as cursor:
            cursor.execute(
                "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
                " AND shobj_description(oid, 'pg_authid') = %s",
                [list(users), CREATED],
            )
            for (user,) in cursor.fetchall():
                cursor.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(sql.Identifier(user)))
                _comment(cursor, user, PROMOTED)

    def is_restricted(self, address: Address, users: Sequence[str]) -> bool:
        asked = {"users": list(users)}
        with admin_cursor(address) as cursor:
            cursor.execute(OTHER_ROLES, asked)
            (found,) = cursor.fetchone()
            cursor.execute(DATABASES)
            databases = [str(name) for (name,) in cursor.fetchall()]
        # Migrations may have made further databases.
        while not found and databases:
            with admin_cursor(address, databases.pop()) as cursor:
                cursor.execute(RESTRICTED, asked)
                (found,) = cursor.fetchone()
        return bool(found)


def _prepare(
    cursor: Any,
    users: Sequence[str],
    memberships: Iterable[tuple[str, str]],
    privileges: str,
    password: Secret,
) -> None:
    """Create the roles that do not exist yet; see `Roles.prepare`."""
    from psycopg2 import sql

    created = set()
    for user in users:
        name = sql.Identifier(user)
        cursor.execute(
            "SELECT rolsuper, shobj_description(oid, 'pg_authid') FROM pg_roles WHERE rolname = %s",
            [user],
        )
        row = cursor.fetchone()
        if row is None:
            created.add(user)
            _create(cursor, user, privileges)
        elif privileges in {OWNER, GUEST} and row[1] == PROMOTED:
            cursor.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER").format(name))
            _comment(cursor, user, CREATED)
        elif privileges == SUPERUSER and not row[0] and row[1] != RAISED:
            cursor.execute(sql.SQL("ALTER ROLE {} SUPERUSER").format(name))
            _comment(cursor, user, RAISED)
        # A migration may have given a guest its password, and guests do not connect in a build.
        if password and privileges != GUEST:
            cursor.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(str(password)))
            )
    cursor.execute("SELECT rolname FROM pg_roles")
    existing = {str(name) for (name,) in cursor.fetchall()}
    for role, user in memberships:
        if role != user and not created.isdisjoint({role, user}) and {role, user} <= existing:
            grant = sql.SQL("GRANT {} TO {}")
            cursor.execute(grant.format(sql.Identifier(role), sql.Identifier(user)))


def _create(cursor: Any, user: str, privileges: str) -> None:
    from psycopg2 import sql

    name = sql.Identifier(user)
    if privileges == GUEST:
        cursor.execute(sql.SQL("CREATE ROLE {} LOGIN").format(name))
        _comment(cursor, user, CREATED)
        return
    if privileges != OWNER:
        cursor.execute(sql.SQL("CREATE ROLE {} SUPERUSER LOGIN").format(name))
        _comment(cursor, user, RAISED)
        return
    cursor.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(name))
    _comment(cursor, user, CREATED)
    if cursor.connection.server_version >= SELF_GRANT_VERSION:
        cursor.execute(sql.SQL(f"ALTER ROLE {{}} SET {SELF_GRANT}").format(name))


def _comment(cursor: Any, user: str, comment: str) -> None:
    from psycopg2 import sql

    cursor.execute(
        sql.SQL("COMMENT ON ROLE {} IS {}").format(sql.Identifier(user), sql.Literal(comment))
    )
