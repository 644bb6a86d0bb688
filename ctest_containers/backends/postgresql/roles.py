"""Creates the roles of a PostgreSQL server: the toolkit's own administrator, and the project's.

The toolkit chooses the privileges of a project's role when it creates it. Afterwards, migrations
and tests may change them, and the toolkit does so only once: if nothing in the complete databases
depends on privileges, the roles that the toolkit created become superusers.
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
"""The role that `initdb` creates: the administrator of an unconfigured server."""

CREATED: Final = "ctest-containers: not a superuser"
PROMOTED: Final = "ctest-containers: superuser while nothing depends on roles"
RAISED: Final = "ctest-containers: superuser"
"""Comments on roles, from which a later build knows what the toolkit did to them."""

SELF_GRANT: Final = "createrole_self_grant=set"
SELF_GRANT_VERSION: Final = 160000
"""Since PostgreSQL 16, the creator of a role cannot assume it unless a setting allows it."""

TRUSTED_VERSION: Final = 130000
"""Since PostgreSQL 13, the owner of a database can create trusted extensions."""

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
"""Whether anything in a database depends on the privileges of the project's roles.

That is row-level security, a privilege that was granted or revoked, or an owner other than these
roles.
"""


def make_admin(address: Address) -> None:
    """Create the toolkit's role if it is missing and the socket needs no password."""
    with suppress(ServerError), admin_cursor(replace(address, user=FIRST)) as cursor:
        cursor.execute(
            f"SELECT {FIRST_PROCESS}, EXISTS (SELECT FROM pg_roles WHERE rolname = '{ADMIN}')"  # noqa: S608  # A constant.
        )
        process, has_admin = cursor.fetchone()
        # The server that initialises the data is another process, and may undo this.
        if process == "1" and not has_admin:
            cursor.execute(f"CREATE ROLE {ADMIN} SUPERUSER LOGIN")


def admin_command(folder: str, password: Secret) -> tuple[Sequence[str], bytes]:
    """Return a command for the server's container that sets the role's password, and its input.

    Args:
        folder: The folder of the server's socket.
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
        parameters = {"users": list(users)}
        with admin_cursor(address) as cursor:
            cursor.execute(OTHER_ROLES, parameters)
            (restricted,) = cursor.fetchone()
            cursor.execute(DATABASES)
            databases = [str(name) for (name,) in cursor.fetchall()]
        # Migrations may have created further databases.
        while not restricted and databases:
            with admin_cursor(address, databases.pop()) as cursor:
                cursor.execute(RESTRICTED, parameters)
                (restricted,) = cursor.fetchone()
        return bool(restricted)


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
        # A migration may have set a guest's password, and guests do not connect in a build.
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
