"""The toolkit's own sessions on a PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from ctest_containers.errors import ServerError
from ctest_containers.model import Address

ADMIN: Final = "ctest_containers"
"""The toolkit's own role, which has all privileges, whatever tests do to other roles."""

FIRST_PROCESS: Final = "split_part(pg_read_file('postmaster.pid'), E'\\n', 1)"
"""The server's process id: 1, except for the temporary server that initialises the data."""

UNDISTURBED: Final = (
    *("role=none", "default_transaction_read_only=off", "statement_timeout=0", "lock_timeout=0"),
)
"""Overrides what `ALTER DATABASE` and `ALTER ROLE ALL` may have set for every session."""


@contextmanager
def admin_cursor(address: Address, database: str = "postgres") -> Iterator[Any]:
    """Yield a cursor of the toolkit's own connection, in autocommit mode.

    Raises:
        ServerError: The server does not answer, or reports an error.
    """
    import psycopg2

    try:
        connection = psycopg2.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=str(address.password),
            dbname=database,
            connect_timeout=5,
            options=" ".join(f"-c {setting}" for setting in UNDISTURBED),
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except psycopg2.Error as error:
        raise ServerError(
            f"The PostgreSQL server reported an error: {str(error).strip()}"
        ) from error
