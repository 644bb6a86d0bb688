"""Connects Django to a MySQL or MariaDB server, and inspects drivers' connections."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from ctest_containers.backends.api import SOCKET_FOLDER, ClientProgram
from ctest_containers.backends.identity import ask
from ctest_containers.backends.mysql.session import FIRST
from ctest_containers.model import Address

SOCKET_FILE: Final = "mysqld.sock"

IDENTITY: Final = "@@hostname"
"""The host name of its container, which is unique to a server; every role can query it."""


class MysqlConnections:
    """See `Connections`."""

    overriding_variables: tuple[str, ...] = ()

    def default_user(self) -> str:
        return FIRST

    def identity_of(self, connection: Any) -> str:
        return ask(connection, f"SELECT {IDENTITY}", DRIVERS)

    def reached_by(self, connection: Any) -> str:
        """See `Backend`; mysqlclient returns a sentence, the others have attributes."""
        if callable(describe := getattr(connection, "get_host_info", None)):
            return str(describe())
        host = getattr(connection, "host", None) or getattr(connection, "server_host", "")
        port = getattr(connection, "port", None) or getattr(connection, "server_port", "")
        return str(getattr(connection, "unix_socket", None) or f"{host}:{port}")

    def attempted_address(self, error: str) -> str:
        """See `Backend`; the messages differ between drivers, and some have no address."""
        return ""

    def session_of(self, connection: Any) -> int | None:
        """See `Backend`; mysqlclient and PyMySQL have a method, mysql-connector an attribute."""
        number = getattr(connection, "connection_id", None) or connection.thread_id
        with suppress(Exception):
            return int(number() if callable(number) else number)
        return None

    def is_mid_query(self, connection: Any) -> bool:
        """See `Backend`; PyMySQL closes a connection that is interrupted while it reads."""
        return not getattr(connection, "open", True) or bool(
            getattr(connection, "unread_result", False)
        )

    def host_and_port(self, address: Address) -> tuple[str, str]:
        # A host that is a path is a Unix socket, for Django and for Connector/Python's backend.
        return (address.socket, "") if address.socket else (address.host, str(address.port))

    def client(self, address: Address, user: str, database: str) -> ClientProgram:
        """See `Backend`; newer MariaDB images have no program named `mysql`."""
        # An account for this address may differ from one for the socket.
        where = f"--socket={SOCKET_FOLDER}/{SOCKET_FILE}" if address.socket else "--host=127.0.0.1"
        return ClientProgram(
            command=[
                *("sh", "-c", 'exec "$(command -v mariadb || command -v mysql)" "$@"', "sh"),
                *(where, f"--user={user}", f"--database={database}"),
            ],
            environment={"MYSQL_PWD": str(address.password)} if address.password else {},
        )

    def transport_options(self) -> tuple[str, ...]:
        """See `Backend`; the names are those of mysqlclient, PyMySQL and Connector/Python.

        https://mysqlclient.readthedocs.io/user_guide.html#functions-and-attributes
        https://pymysql.readthedocs.io/en/latest/modules/connections.html
        https://dev.mysql.com/doc/connector-python/en/connector-python-connectargs.html
        """
        return (
            *("host", "port", "user", "username", "password", "passwd", "db", "database"),
            *("unix_socket", "named_pipe", "bind_address", "dns_srv", "dsn", "failover"),
            *("read_default_file", "read_default_group", "option_files", "option_groups"),
            *("allow_local_infile_in_path", "password1", "password2", "password3"),
            *("auth_plugin", "auth_plugin_map", "server_public_key", "get_server_public_key"),
            *("ssl", "ssl_mode", "ssl_ca", "ssl_capath", "ssl_cert", "ssl_key", "ssl_cipher"),
            *("ssl_key_password", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity"),
            *("tls_versions", "tls_ciphersuites", "pool_name", "pool_size"),
            *("krb_service_principal", "oci_config_file", "oci_config_profile"),
        )

    def driver_trouble(self, wrapper: type, version: str) -> str:
        """See `Backend`; observed with Connector/Python 26.10."""
        ours = any(base.__module__.startswith("mysql.connector.") for base in wrapper.__mro__)
        if not ours or "mariadb" not in version.lower():
            return ""
        return (
            f"mysql.connector.django mistakes MariaDB ({version}) for an old MySQL: constraints "
            "are missing or fail, and lookups in JSON fields silently return the wrong rows. Set "
            "ENGINE to django.db.backends.mysql, with mysqlclient or PyMySQL."
        )

    def product(self, version: str) -> str:
        return "MariaDB" if "MariaDB" in version else "MySQL"

    def facts_for_django(self, version: str) -> Mapping[str, object]:
        return {"mysql_is_mariadb": "MariaDB" in version}


def _by_mysqlclient(connection: Any, statement: str) -> str:
    lower = sys.modules["MySQLdb._mysql"].connection
    lower.query(connection, statement.encode())
    value = lower.store_result(connection).fetch_row()[0][0]
    return value.decode() if isinstance(value, bytes) else str(value)


def _by_cursor(connection: Any, statement: str) -> str:
    cursor = connection.cursor()
    try:
        cursor.execute(statement)
        row = cursor.fetchone()
    finally:
        cursor.close()
    connection.rollback()
    return str(next(iter(row.values())) if isinstance(row, Mapping) else row[0])


DRIVERS: Final = {"MySQLdb": _by_mysqlclient, "pymysql": _by_cursor, "mysql": _by_cursor}
"""The functions that run a query with each driver, by its package."""
