"""MySQL and MariaDB, in the toolkit's own images or in images compatible with official ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
from ctest_containers.backends.mysql.catalog import count_rows, read_catalog
from ctest_containers.backends.mysql.connections import IDENTITY, SOCKET_FILE, MysqlConnections
from ctest_containers.backends.mysql.keeping import MysqlKeeping
from ctest_containers.backends.mysql.migrating import SESSION
from ctest_containers.backends.mysql.session import (
    ADMIN,
    admin_command,
    admin_cursor,
    make_admin,
)
from ctest_containers.backends.mysql.volatile import NO_SUCH_TABLE, bring_back, global_values, keep
from ctest_containers.errors import ServerError
from ctest_containers.model import Address, Secret, Transport, Vendor

MARKS: Final = "mysql.ctest_containers"
"""The table of fingerprints, in the server's own schema, where no project's test looks."""

OTHER_CLIENTS: Final = (
    "FROM information_schema.processlist WHERE id <> connection_id()"
    " AND command NOT IN ('Daemon', 'Binlog Dump')"
    " AND user NOT IN ('system user', 'event_scheduler')"
)
"""The sessions of all clients except the current one."""

NO_SUCH_THREAD: Final = 1094


class Mysql(MysqlKeeping, MysqlConnections):
    """See `Backend`."""

    vendor = Vendor("mysql")
    port = 3306
    admin = ADMIN
    has_owners = False
    image_option = (
        "The image for databases of Django's mysql backends: mariadb for the toolkit's own "
        "MariaDB, or another image such as mysql:8.4 or mariadb:11.4. By default, the toolkit's "
        "own MySQL."
    )
    own_images: Mapping[str, str] = {"mysql": "9", "mariadb": "11.8-MariaDB"}
    image_words: Mapping[str, str] = {"mysql": "", "mariadb": "-MariaDB"}
    # A server ignores an unknown option with `loose_`; MySQL and MariaDB have different options.
    own_settings: Mapping[str, str] = {
        "skip_log_bin": "1",
        "sync_binlog": "0",
        "innodb_flush_log_at_trx_commit": "0",
        "innodb_doublewrite": "0",
        "innodb_autoextend_increment": "1",
        "performance_schema": "OFF",
        "loose_mysqlx": "OFF",
        "loose_innodb_redo_log_capacity": "8M",
    }
    reserved_settings: frozenset[str] = frozenset(
        {
            *("basedir", "bind_address", "datadir", "defaults_extra_file", "defaults_file"),
            *("init_file", "innodb_data_home_dir", "innodb_log_group_home_dir"),
            *("innodb_undo_directory", "pid_file", "port", "skip_grant_tables"),
            *("skip_networking", "socket", "user"),
        }
    )

    def socket_file(self) -> str:
        return SOCKET_FILE

    def launch(self, *, transport: Transport, own_image: bool, settings: Settings = ()) -> Launch:
        """See `Backend`.

        The images' entrypoints prepend the server's name to a command that begins with an option.
        The server's network is never disabled: that distinguishes it from the temporary server with
        which an official image initialises its data. Its container may have no network.
        """
        folder = SOCKET_FOLDER if transport is Transport.SOCKET else INNER_SOCKET_FOLDER
        command = [f"--socket={folder}/{self.socket_file()}"]
        options = [f"--{name}={value}" for name, value in settings]
        if own_image:
            return Launch(command=[*command, *options])
        command.append(f"--datadir={DATA_FOLDER}")
        command += [f"--{name}={value}" for name, value in self.own_settings.items()]
        if transport is Transport.SOCKET:
            # Otherwise, MariaDB creates a certificate's key at each start, in up to a second.
            command.append("--loose-skip-ssl")
        return Launch(
            command=[*command, *options],
            # The socket's folder is private; without a password, root cannot connect otherwise.
            environment={"MYSQL_ALLOW_EMPTY_PASSWORD": "1", "MYSQL_ROOT_HOST": "localhost"},
            capabilities=ENTRYPOINT_CAPABILITIES,
        )

    def password_statement(self, password: Secret) -> tuple[Sequence[str], bytes]:
        return admin_command(f"{INNER_SOCKET_FOLDER}/{self.socket_file()}", password)

    def probe(self, address: Address) -> ServerInfo:
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
        return ()

    def prepare(
        self,
        address: Address,
        users: Sequence[str],
        memberships: Sequence[tuple[str, str]] = (),
        privileges: str = "",
    ) -> None:
        """See `Backend`; an account gets all privileges when it is created."""
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
                # MySQL caches a password that was once verified through TLS; drivers without TLS or
                # RSA can connect only after that (caching_sha2_password).
                with admin_cursor(address, user):
                    pass

    def mark(self, address: Address, databases: Sequence[str], fingerprint: str) -> None:
        with admin_cursor(address) as cursor:
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {MARKS}"
                " (name VARCHAR(64) PRIMARY KEY, fingerprint VARCHAR(64) NOT NULL) ENGINE=InnoDB"
            )
            for name in databases:
                statement = f"REPLACE INTO {MARKS} VALUES (%s, %s)"  # noqa: S608  # A constant.
                cursor.execute(statement, (name, fingerprint))

    def marks(self, address: Address, databases: Sequence[str]) -> Mapping[str, str]:
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
            fingerprints = dict(cursor.fetchall())
        return {name: str(fingerprints[name]) for name in databases if name in fingerprints}

    def catalog(self, address: Address, database: str) -> Mapping[str, str]:
        with admin_cursor(address) as cursor:
            return read_catalog(cursor, database)

    def is_restricted(self, address: Address, users: Sequence[str]) -> bool:
        """See `Backend`; accounts do not own objects."""
        return False

    def promote_roles(self, address: Address, users: Sequence[str]) -> None:
        """See `Backend`; accounts do not own objects."""

    def clocks_in_defaults(self, address: Address, database: str) -> Sequence[str]:
        with admin_cursor(address) as cursor:
            cursor.execute(f"USE `{database.replace('`', '``')}`")
            return list(clocks_in_defaults(cursor, SESSION.defaults))

    def counts(self, address: Address, database: str) -> Mapping[str, int]:
        with admin_cursor(address) as cursor:
            return count_rows(cursor, database)

    def is_active(self, address: Address, seconds: float) -> bool:
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

    def crash_in(self, log: str) -> bool:
        return " got signal " in log

    def variables(self, address: Address) -> Mapping[str, str]:
        with admin_cursor(address) as cursor:
            return global_values(cursor)

    def checkpoint(self, address: Address, initial: Mapping[str, str]) -> None:
        with admin_cursor(address) as cursor:
            keep(cursor, initial)
            cursor.execute("FLUSH ENGINE LOGS")

    def settle(self, address: Address, users: Sequence[str], initial: Mapping[str, str]) -> None:
        """See `Backend`; network accounts are locked, not dropped, because views may be theirs.

        A slow shutdown purges rows that every server from this template would read and copy.
        """
        with admin_cursor(address) as cursor:
            keep(cursor, initial)
            cursor.execute("SET GLOBAL innodb_fast_shutdown = 0")
            if not address.password:
                return
            for user in (*users, ADMIN):
                account = (user, _host_of(address))
                cursor.execute("ALTER USER %s@%s IDENTIFIED BY '' ACCOUNT LOCK", account)


def _host_of(address: Address) -> str:
    """Return the host part of accounts that connect through this address."""
    return "localhost" if address.socket else "%"


_: type[Backend] = Mysql
