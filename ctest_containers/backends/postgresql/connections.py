"""Connects Django to a PostgreSQL server, and inspects drivers' connections."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, Final

from ctest_containers.backends.api import INNER_SOCKET_FOLDER, SOCKET_FOLDER, ClientProgram
from ctest_containers.backends.identity import ask
from ctest_containers.model import Address

ACTIVE: Final = 1
"""libpq's PQTRANS_ACTIVE: a query was sent, and its result has not been read."""

IDENTITY: Final = (
    "pg_catalog.to_char(pg_catalog.pg_postmaster_start_time() AT TIME ZONE 'UTC',"
    " 'YYYYMMDDHH24MISSUS')"
)
"""When the server was started, to the microsecond; every role can query it."""


class PostgresqlConnections:
    """See `Connections`."""

    # https://www.postgresql.org/docs/current/libpq-envars.html
    overriding_variables: tuple[str, ...] = (
        *("PGHOSTADDR", "PGPASSFILE", "PGSERVICE", "PGSERVICEFILE", "PGREQUIREAUTH"),
        *("PGCHANNELBINDING", "PGGSSENCMODE", "PGSSLMODE", "PGREQUIRESSL", "PGSSLNEGOTIATION"),
        "PGTARGETSESSIONATTRS",
    )

    def identity_of(self, connection: Any) -> str:
        return ask(connection, f"SELECT {IDENTITY}", DRIVERS)

    def reached_by(self, connection: Any) -> str:
        """See `Backend`; psycopg and psycopg2 share the attributes."""
        info = getattr(connection, "info", None)
        return f"{info.host}:{info.port}" if info is not None else ""

    def attempted_address(self, error: str) -> str:
        """See `Backend`; matches libpq's message since PostgreSQL 14."""
        match = re.search(
            r'connection to server (?:on socket|at) "([^"]+)"(?:(?: \([^)]*\))?, port (\d+))?',
            error,
        )
        return "" if match is None else ":".join(filter(None, match.groups()))

    def session_of(self, connection: Any) -> int | None:
        """See `Backend`; psycopg and psycopg2 share the attributes."""
        return None if connection.closed else int(connection.info.backend_pid)

    def is_mid_query(self, connection: Any) -> bool:
        """See `Backend`; psycopg and psycopg2 share the attributes."""
        return not connection.closed and int(connection.info.transaction_status) == ACTIVE

    def host_and_port(self, address: Address) -> tuple[str, str]:
        return address.host, str(address.port)

    def client(self, address: Address, user: str, database: str) -> ClientProgram:
        """See `Backend`; local connections need no password."""
        folder = SOCKET_FOLDER if address.socket else INNER_SOCKET_FOLDER
        return ClientProgram(
            command=["psql", f"--host={folder}", f"--username={user}", f"--dbname={database}"]
        )

    def transport_options(self) -> tuple[str, ...]:
        """See `Backend`; the names are libpq's.

        https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
        """
        return (
            *("host", "hostaddr", "port", "user", "password", "passfile", "dbname"),
            *("service", "servicefile", "target_session_attrs", "load_balance_hosts"),
            *("require_auth", "channel_binding", "requirepeer", "gssencmode", "krbsrvname"),
            *("gsslib", "gssdelegation", "sslmode", "sslnegotiation", "sslcompression"),
            *("sslcert", "sslkey", "sslpassword", "sslcertmode", "sslrootcert", "sslcrl"),
            *("sslcrldir", "sslsni", "ssl_min_protocol_version", "ssl_max_protocol_version"),
        )

    def driver_trouble(self, wrapper: type, version: str) -> str:
        """See `Backend`; no problem is known."""
        return ""

    def product(self, version: str) -> str:
        return "PostgreSQL"

    def facts_for_django(self, version: str) -> Mapping[str, object]:
        return {}


def _by_psycopg(connection: Any, statement: str) -> str:
    value = connection.pgconn.exec_(statement.encode()).get_value(0, 0)
    return "" if value is None else bytes(value).decode()


def _by_psycopg2(connection: Any, statement: str) -> str:
    extensions = sys.modules["psycopg2.extensions"]
    with extensions.cursor(connection) as cursor:
        cursor.execute(statement)
        value = cursor.fetchone()[0]
    # The driver has begun a transaction.
    extensions.connection.rollback(connection)
    return str(value)


DRIVERS: Final = {"psycopg": _by_psycopg, "psycopg2": _by_psycopg2}
"""The functions that run a query with each driver, by its package."""
