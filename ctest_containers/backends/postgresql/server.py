"""PostgreSQL, in the toolkit's own image or in one compatible with the official image."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Final

from ctest_containers.backends.api import (
    DATA_FOLDER,
    ENTRYPOINT_CAPABILITIES,
    INNER_SOCKET_FOLDER,
    SOCKET_FOLDER,
    Backend,
    Launch,
    NotReadyError,
    ServerInfo,
    Settings,
)
from ctest_containers.backends.clocks import clocks_in_defaults
from ctest_containers.backends.postgresql.catalog import count_rows, read_catalog
from ctest_containers.backends.postgresql.connections import IDENTITY, PostgresqlConnections
from ctest_containers.backends.postgresql.keeping import PostgresqlKeeping
from ctest_containers.backends.postgresql.migrating import SESSION
from ctest_containers.backends.postgresql.roles import (
    DATABASES,
    FIRST,
    PostgresqlRoles,
    admin_command,
    make_admin,
)
from ctest_containers.backends.postgresql.session import ADMIN, FIRST_PROCESS, admin_cursor
from ctest_containers.errors import ServerError
from ctest_containers.model import Address, Secret, Transport, Vendor

MARK_PREFIX: Final = "ctest-containers:"

OTHER_CLIENTS: Final = (
    "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
"""The sessions of all clients except the current one."""

LARGE_BYTES: Final = 64 * 2**10
"""From this size on, the planner needs statistics of a table."""

LARGE_TABLES: Final = """
SELECT format('%%I.%%I', nspname, relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
WHERE relkind IN ('r', 'm') AND nspname NOT LIKE 'pg\\_%%' AND nspname <> 'information_schema'
    AND pg_relation_size(c.oid) >= %s
"""
"""The tables that autovacuum would analyse on an ordinary server; ours run without it."""


class Postgresql(PostgresqlRoles, PostgresqlKeeping, PostgresqlConnections):
    """See `Backend`."""

    vendor = Vendor("postgresql")
    port = 5432
    admin = ADMIN
    image_option = "The image for PostgreSQL, such as postgres:16. By default, the toolkit's own."
    own_images: Mapping[str, str] = {"postgresql": "17"}
    image_words: Mapping[str, str] = {"postg": ""}
    own_settings: Mapping[str, str] = {
        "unix_socket_permissions": "0777",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "jit": "off",
        "autovacuum": "off",
        "shared_buffers": "32MB",
        "dynamic_shared_memory_type": "mmap",
        "max_worker_processes": "2",
        "max_logical_replication_workers": "0",
        "checkpoint_timeout": "1h",
    }
    reserved_settings: frozenset[str] = frozenset(
        {
            *("config_file", "data_directory", "external_pid_file", "hba_file", "ident_file"),
            *("listen_addresses", "port", "ssl", "unix_socket_directories", "unix_socket_group"),
            "unix_socket_permissions",
        }
    )

    def launch(self, *, transport: Transport, own_image: bool, settings: Settings = ()) -> Launch:
        all_settings = {} if own_image else dict(self.own_settings)
        if transport is not Transport.SOCKET:
            all_settings["listen_addresses"] = "*"
            all_settings["unix_socket_directories"] = INNER_SOCKET_FOLDER
        else:
            all_settings["listen_addresses"] = ""
            all_settings["unix_socket_directories"] = SOCKET_FOLDER
        command = ["postgres"]
        # The last value of a setting wins.
        for name, value in (*all_settings.items(), *settings):
            command += ["-c", f"{name}={value}"]
        if own_image:
            return Launch(command=command)
        return Launch(
            command=command,
            # Local connections are trusted, as in our own image: the socket's folder is private.
            environment={
                "PGDATA": DATA_FOLDER,
                "POSTGRES_HOST_AUTH_METHOD": "scram-sha-256",
                "POSTGRES_INITDB_ARGS": "--auth-local=trust --wal-segsize=1",
                "POSTGRES_PASSWORD": secrets.token_hex(16),
            },
            capabilities=ENTRYPOINT_CAPABILITIES,
        )

    def password_statement(self, password: Secret) -> tuple[Sequence[str], bytes]:
        return admin_command(INNER_SOCKET_FOLDER, password)

    def probe(self, address: Address) -> ServerInfo:
        try:
            with admin_cursor(address) as cursor:
                cursor.execute(
                    f"SELECT {FIRST_PROCESS}, current_setting('server_version'), {IDENTITY}"
                )
                first_process, version, identity = cursor.fetchone()
        except ServerError as error:
            # An official image creates only the first role.
            if address.socket:
                make_admin(address)
            raise NotReadyError(error.message) from error
        if first_process != "1":
            raise NotReadyError("the server that initialises the data directory is still running")
        return ServerInfo(version=str(version), identity=str(identity))

    def mark(self, address: Address, databases: Sequence[str], fingerprint: str) -> None:
        from psycopg2 import sql

        with admin_cursor(address) as cursor:
            for name in databases:
                cursor.execute(
                    sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                        sql.Identifier(name), sql.Literal(MARK_PREFIX + fingerprint)
                    )
                )

    def marks(self, address: Address, databases: Sequence[str]) -> Mapping[str, str]:
        with admin_cursor(address) as cursor:
            cursor.execute(
                "SELECT datname, shobj_description(oid, 'pg_database') FROM pg_database"
                " WHERE datname = ANY(%s)",
                [list(databases)],
            )
            comments = cursor.fetchall()
        return {
            name: mark.removeprefix(MARK_PREFIX)
            for name, mark in comments
            if mark is not None and mark.startswith(MARK_PREFIX)
        }

    def is_active(self, address: Address, seconds: float) -> bool:
        with admin_cursor(address) as cursor:
            # Callers with time limits wait for this.
            cursor.execute("SET statement_timeout = '2s'")
            cursor.execute(
                f"SELECT count(*) {OTHER_CLIENTS} AND ("  # noqa: S608  # A constant.
                " state = 'active' AND wait_event_type IS DISTINCT FROM 'Lock'"
                " OR state_change > clock_timestamp() - %s * interval '1 second')",
                [seconds],
            )
            (sessions,) = cursor.fetchone()
        return bool(sessions)

    def end_sessions(self, address: Address, keep: Collection[int]) -> int:
        with admin_cursor(address) as cursor:
            cursor.execute(
                f"SELECT count(pg_terminate_backend(pid)) {OTHER_CLIENTS}"
                " AND pid <> ALL(%s::int[])",
                [list(keep)],
            )
            (ended,) = cursor.fetchone()
        return int(ended)

    def crash_in(self, log: str) -> bool:
        return "terminating any other active server processes" in log

    def socket_file(self) -> str:
        return f".s.PGSQL.{self.port}"

    def catalog(self, address: Address, database: str) -> Mapping[str, str]:
        with admin_cursor(address, database) as cursor:
            return read_catalog(cursor)

    def clocks_in_defaults(self, address: Address, database: str) -> Sequence[str]:
        with admin_cursor(address, database) as cursor:
            return list(clocks_in_defaults(cursor, SESSION.defaults))

    def counts(self, address: Address, database: str) -> Mapping[str, int]:
        """See `Backend`; includes the last value of each sequence."""
        with admin_cursor(address, database) as cursor:
            return count_rows(cursor)

    def variables(self, address: Address) -> Mapping[str, str]:
        """See `Backend`; there are none, as ALTER SYSTEM survives a stop."""
        return {}

    def checkpoint(self, address: Address, initial: Mapping[str, str]) -> None:
        with admin_cursor(address) as cursor:
            cursor.execute("CHECKPOINT")

    def settle(self, address: Address, users: Sequence[str], initial: Mapping[str, str]) -> None:
        """See `Backend`; other roles keep the passwords that migrations gave them."""
        from psycopg2 import sql

        own = [ADMIN, FIRST, *(users if address.password else ())]
        with admin_cursor(address) as cursor:
            cursor.execute(
                "SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL AND rolname = ANY(%s)",
                [own],
            )
            for (role,) in cursor.fetchall():
                statement = sql.SQL("ALTER ROLE {} PASSWORD NULL").format(sql.Identifier(role))
                cursor.execute(statement)
            cursor.execute(DATABASES)
            databases = [str(name) for (name,) in cursor.fetchall()]
        for database in databases:
            # An index on a function's result may prevent this; nothing depends on it.
            with suppress(ServerError), admin_cursor(address, database) as cursor:
                cursor.execute(LARGE_TABLES, [LARGE_BYTES])
                if large := ", ".join(name for (name,) in cursor.fetchall()):
                    cursor.execute(f"ANALYZE {large}")


_: type[Backend] = Postgresql
