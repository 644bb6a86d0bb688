"""MySQL and MariaDB: in the toolkit's own images or in ones with the official ones' contract."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from ctest_containers.backends.api import (
    DATA_FOLDER,
    SOCKET_FOLDER,
    Backend,
    Launch,
    NotReadyError,
    ServerInfo,
    Settings,
)
from ctest_containers.backends.clocks import clocks_in_defaults
from ctest_containers.backends.identity import ask
from ctest_containers.backends.mysql_catalog import count_rows, read_catalog
from ctest_containers.backends.mysql_session import (
    ADMIN,
    FIRST,
    admin_command,
    admin_cursor,
    make_admin,
)
from ctest_containers.backends.mysql_volatile import NO_SUCH_TABLE, bring_back, global_values, keep
from ctest_containers.backends.settings import TOOLKIT_SETTINGS
from ctest_containers.errors import ServerError
from ctest_containers.model import Address, DatabaseGroup, Secret, Transport, Vendor

INNER_SOCKET_FOLDER: Final = "/tmp"  # noqa: S108  # In the container, which nobody else is in.
"""Where the socket is when nothing is mounted: in a folder that every image has."""

MARKS: Final = "mysql.ctest_containers"
"""The table of fingerprints: in the server's own schema, where no project's test looks."""

IDENTITY: Final = "@@hostname"
"""The name of its container, which is of one server only; anybody may ask."""

OTHER_CLIENTS: Final = (
    "FROM information_schema.processlist WHERE id <> connection_id()"
    " AND command NOT IN ('Daemon', 'Binlog Dump')"
    " AND user NOT IN ('system user', 'event_scheduler')"
)
"""The sessions of all clients but the one that asks."""

NO_SUCH_THREAD: Final = 1094


class Mysql:
    """See `Backend`."""

    vendor = Vendor.MYSQL
    port = 3306
    admin = ADMIN
    has_owners = False
    overriding_variables: tuple[str, ...] = ()
    read_only = "SET SESSION TRANSACTION READ ONLY"

    def default_user(self) -> str:
        """See `Backend`."""
        return FIRST

    def socket_file(self) -> str:
        """See `Backend`."""
        return "mysqld.sock"

    def launch(self, *, transport: Transport, own_image: bool, settings: Settings = ()) -> Launch:
        """See `Backend`.

        A command that begins with an option is completed by the images' entrypoints with the name
        of their server. Its network is never switched off: that tells it from the temporary server
        by which an official image initialises its data, and its container may have no network.
        """
        folder = SOCKET_FOLDER if transport is Transport.SOCKET else INNER_SOCKET_FOLDER
        command = [f"--socket={folder}/{self.socket_file()}"]
        wanted = [f"--{name}={value}" for name, value in settings]
        if own_image:
            return Launch(command=[*command, *wanted])
        command.append(f"--datadir={DATA_FOLDER}")
        command += [f"--{name}={value}" for name, value in TOOLKIT_SETTINGS[self.vendor].items()]
        if transport is Transport.SOCKET:
            # MariaDB would make a key for a certificate at every start, which takes up to a second.
            command.append("--loose-skip-ssl")
        return Launch(
            command=[*command, *wanted],
            # The socket's folder is private, and until it has a password, root has no other way in.
            environment={"MYSQL_ALLOW_EMPTY_PASSWORD": "1", "MYSQL_ROOT_HOST": "localhost"},
            # The official entrypoints begin as root, to hand the data over to an ordinary user.
            capabilities=("CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"),
        )

    def password_statement(self, password: Secret) -> tuple[Sequence[str], bytes]:
        """See `Backend`."""
        return admin_command(f"{INNER_SOCKET_FOLDER}/{self.socket_file()}", password)

    def probe(self, address: Address) -> ServerInfo:
        """See `Backend`."""
        try:
            with admin_cursor(address) as cursor:
                cursor.execute(f"SELECT @@skip_networking, VERSION(), {IDENTITY}")
                initialising, version, identity = cursor.fetchone()
        except ServerError as error:
            if address.socket:
                make_admin(address)
            raise NotReadyError(error.message) from error
        if initialising:
            raise NotReadyError("the server that initialises the data directory is still running")
        return ServerInfo(version=str(version), identity=str(identity))

    def owners_command(self, address: Address) -> Sequence[str]:
        """See `Backend`."""
        del address
        return ()

    def prepare(
        self,
        address: Address,
        users: Sequence[str],
        memberships: Sequence[tuple[str, str]] = (),
        privileges: str = "",
    ) -> None:
        """See `Backend`; an account gets all privileges when it is created."""
        del memberships, privileges
        with admin_cursor(address) as cursor:
            bring_back(cursor)
            for user in users:
                account, password = (user, _host_of(address)), str(address.password)
                cursor.execute("SELECT 1 FROM mysql.user WHERE user = %s AND host = %s", account)
                if not cursor.fetchall():
                    cursor.execute("CREATE USER %s@%s", account)
                    grant = "GRANT ALL PRIVILEGES ON *.* TO %s@%s WITH GRANT OPTION"
                    cursor.execute(grant, account)
                known = (*account, password)
                cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s ACCOUNT UNLOCK", known)
        if address.password:
            for user in users:
                # MySQL remembers who has once proved a password through TLS; only so can drivers
                # without TLS or RSA connect as well (caching_sha2_password).
                with admin_cursor(address, user):
                    pass

    def mark(self, address: Address, databases: Sequence[str], fingerprint: str) -> None:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {MARKS}"
                " (name VARCHAR(64) PRIMARY KEY, fingerprint VARCHAR(64) NOT NULL) ENGINE=InnoDB"
            )
            for name in databases:
                statement = f"REPLACE INTO {MARKS} VALUES (%s, %s)"  # noqa: S608  # A constant.
                cursor.execute(statement, (name, fingerprint))

    def marks(self, address: Address, databases: Sequence[str]) -> Mapping[str, str]:
        """See `Backend`."""
        import mysql.connector

        with admin_cursor(address) as cursor:
            try:
                cursor.execute(
                    f"SELECT name, fingerprint FROM {MARKS}"  # noqa: S608  # A constant.
                    " JOIN information_schema.schemata ON schema_name = name"
                )
            except mysql.connector.Error as error:
                if error.errno == NO_SUCH_TABLE:
                    return {}
                raise
            found = dict(cursor.fetchall())
        return {name: str(found[name]) for name in databases if name in found}

    def catalog(self, address: Address, database: str) -> Mapping[str, str]:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            return read_catalog(cursor, database)

    def is_restricted(self, address: Address, users: Sequence[str]) -> bool:
        """See `Backend`; accounts do not own objects."""
        del address, users
        return False

    def promote_roles(self, address: Address, users: Sequence[str]) -> None:
        """See `Backend`; accounts do not own objects."""
        del address, users

    def clocks_in_defaults(self, address: Address, database: str) -> Sequence[str]:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            cursor.execute(f"USE `{database.replace('`', '``')}`")
            return list(clocks_in_defaults(cursor, self.vendor))

    def counts(self, address: Address, database: str) -> Mapping[str, int]:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            return count_rows(cursor, database)

    def is_active(self, address: Address, seconds: float) -> bool:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            cursor.execute(
                f"SELECT count(*) {OTHER_CLIENTS} AND (time < %s"  # noqa: S608  # A constant.
                " OR command <> 'Sleep' AND coalesce(state, '') NOT LIKE 'Waiting for%%lock'"
                " AND coalesce(state, '') <> 'User lock' AND id NOT IN (SELECT trx_mysql_thread_id"
                " FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'))",
                [seconds],
            )
            ((sessions,),) = cursor.fetchall()
        return bool(sessions)

    def end_sessions(self, address: Address, keep: Collection[int]) -> int:
        """See `Backend`."""
        import mysql.connector

        ended = 0
        with admin_cursor(address) as cursor:
            cursor.execute(f"SELECT id {OTHER_CLIENTS}")
            sessions = [int(number) for (number,) in cursor.fetchall()]
            for session in sessions:
                if session in keep:
                    continue
                try:
                    cursor.execute(f"KILL {session}")
                    ended += 1
                except mysql.connector.Error as error:
                    if error.errno != NO_SUCH_THREAD:
                        raise
        return ended

    def identity_of(self, connection: Any) -> str:
        """See `Backend`."""
        return ask(connection, f"SELECT {IDENTITY}")

    def reached_by(self, connection: Any) -> str:
        """See `Backend`; mysqlclient says it in a sentence, the others have attributes."""
        if callable(describe := getattr(connection, "get_host_info", None)):
            return str(describe())
        host = getattr(connection, "host", None) or getattr(connection, "server_host", "")
        port = getattr(connection, "port", None) or getattr(connection, "server_port", "")
        return str(getattr(connection, "unix_socket", None) or f"{host}:{port}")

    def attempted_address(self, error: str) -> str:
        """See `Backend`; the words differ from driver to driver, and some have no address."""
        del error
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

    def crash_in(self, log: str) -> bool:
        """See `Backend`."""
        return " got signal " in log

    def variables(self, address: Address) -> Mapping[str, str]:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            return global_values(cursor)

    def checkpoint(self, address: Address, initial: Mapping[str, str]) -> None:
        """See `Backend`."""
        with admin_cursor(address) as cursor:
            keep(cursor, initial)
            cursor.execute("FLUSH ENGINE LOGS")

    def settle(self, address: Address, users: Sequence[str], initial: Mapping[str, str]) -> None:
        """See `Backend`; accounts of the network are locked, and stay, for views may be theirs.

        Rows that wait to be purged would be read and copied by every server that starts from here.
        """
        with admin_cursor(address) as cursor:
            keep(cursor, initial)
            cursor.execute("SET GLOBAL innodb_fast_shutdown = 0")
            if not address.password:
                return
            for user in (*users, ADMIN):
                account = (user, _host_of(address))
                cursor.execute("ALTER USER %s@%s IDENTIFIED BY '' ACCOUNT LOCK", account)

    def driver_trouble(self, wrapper: type, version: str) -> str:
        """See `Backend`; seen with Connector/Python 26.10."""
        ours = any(base.__module__.startswith("mysql.connector.") for base in wrapper.__mro__)
        if not ours or "mariadb" not in version.lower():
            return ""
        return (
            f"mysql.connector.django takes MariaDB ({version}) for an old MySQL: constraints are "
            "left out or fail, and lookups in JSON fields find the wrong rows without a word. Use "
            "ENGINE django.db.backends.mysql with mysqlclient or PyMySQL."
        )

    def lease_settings(
        self, address: Address, group: DatabaseGroup, alias: str
    ) -> Mapping[str, object]:
        """See `Backend`."""
        database = next(plan for plan in group.databases if alias in plan.aliases)
        return {
            "NAME": database.name,
            "USER": group.users[alias],
            "PASSWORD": str(address.password),
            # A host that is a path is a Unix socket, for Django and for Connector/Python's backend.
            "HOST": address.socket or address.host,
            "PORT": "" if address.socket else str(address.port),
        }

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


def _host_of(address: Address) -> str:
    """The host part of accounts that connect by this address."""
    return "localhost" if address.socket else "%"


_: type[Backend] = Mysql
