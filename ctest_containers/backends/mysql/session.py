"""The toolkit's own sessions on a MySQL or MariaDB server, and its own account there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final

from ctest_containers.backends.mysql.catalog import lift_limits
from ctest_containers.errors import ServerError
from ctest_containers.model import Address, Secret

ADMIN: Final = "ctest_containers"
"""The toolkit's own account, which has all privileges, whatever tests do to other accounts."""

FIRST: Final = "root"
"""The account that a new server has."""

EXACT: Final = (
    "SET SESSION time_zone = '+00:00'",
    # Whatever a table contains may be written again: invalid dates, and zero for an AUTO_INCREMENT.
    "SET SESSION sql_mode = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'",
    # A client that has locked a table may be waiting for this one.
    "SET SESSION lock_wait_timeout = 10",
    "SET SESSION foreign_key_checks = 0",
)
"""The settings on which the text of values depends, or changes."""

CREATE: Final = (
    f"CREATE USER IF NOT EXISTS '{ADMIN}'@'localhost'",
    f"GRANT ALL PRIVILEGES ON *.* TO '{ADMIN}'@'localhost' WITH GRANT OPTION",
)
"""Creates the toolkit's account for connections through the server's socket."""


@contextmanager
def admin_cursor(address: Address, user: str = "") -> Iterator[Any]:
    """Yield a cursor of the toolkit's own connection, in autocommit mode.

    Args:
        user: An account to use instead of the address's.

    Raises:
        ServerError: The server does not answer, or reports an error.
    """
    import mysql.connector

    where = (
        # A socket needs no encryption.
        {"unix_socket": address.socket, "ssl_disabled": True}
        if address.socket
        else {"host": address.host, "port": address.port}
    )
    try:
        connection = mysql.connector.connect(
            **where,
            user=user or address.user,
            password=str(address.password),
            connection_timeout=5,
            autocommit=True,
            use_pure=True,
        )
        try:
            with connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()
    except mysql.connector.Error as error:
        raise ServerError(f"The MySQL server reported an error: {str(error).strip()}") from error


@contextmanager
def exact_cursor(address: Address) -> Iterator[Any]:
    """Yield a cursor of a session in which the text of a value depends on nothing else.

    Raises:
        ServerError: See `admin_cursor`.
    """
    import mysql.connector

    with admin_cursor(address) as cursor:
        lift_limits(cursor)
        for statement in EXACT:
            cursor.execute(statement)
        # MariaDB always reads the current numbers of tables.
        with suppress(mysql.connector.Error):
            cursor.execute("SET SESSION information_schema_stats_expiry = 0")
        yield cursor


def make_admin(address: Address) -> None:
    """Create the toolkit's account if it is missing and the socket needs no password."""
    with suppress(ServerError), admin_cursor(replace(address, user=FIRST)) as cursor:
        # The temporary server that initialises the data may still undo this.
        cursor.execute("SELECT @@skip_networking")
        ((initialising,),) = cursor.fetchall()
        if not initialising:
            for statement in CREATE:
                cursor.execute(statement)


def admin_command(socket: str, password: Secret) -> tuple[Sequence[str], bytes]:
    """Return a command for the server's container that sets the account's password, and its input.

    Args:
        socket: The path of the server's socket there.
    """
    script = (
        'client() { "$(command -v mariadb || command -v mysql)" --socket="$1" --user="$2"; }\n'
        f'echo "" | client "$1" {ADMIN} 2>/dev/null'
        f' || echo "{"; ".join(CREATE)}" | client "$1" {FIRST}\n'
        f'client "$1" {ADMIN}'
    )
    everywhere = f"'{ADMIN}'@'%'"
    statements = (
        f"CREATE USER IF NOT EXISTS {everywhere};\n"
        f"ALTER USER {everywhere} IDENTIFIED BY '{password!s}' ACCOUNT UNLOCK;\n"
        f"GRANT ALL PRIVILEGES ON *.* TO {everywhere} WITH GRANT OPTION;\n"
    )
    return ["sh", "-c", script, "sh", socket], statements.encode()
