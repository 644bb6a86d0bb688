"""Server settings: the toolkit's, those that users cannot change, and how errors name them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from ctest_containers.errors import UsageError
from ctest_containers.model import DatabaseGroup, Vendor

TOOLKIT_SETTINGS: Final[Mapping[Vendor, Mapping[str, str]]] = {
    Vendor.POSTGRESQL: {
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
    },
    Vendor.MYSQL: {
        "skip_log_bin": "1",
        "sync_binlog": "0",
        "innodb_flush_log_at_trx_commit": "0",
        "innodb_doublewrite": "0",
        "innodb_autoextend_increment": "1",
        "performance_schema": "OFF",
        "loose_mysqlx": "OFF",
        "loose_innodb_redo_log_capacity": "8M",
    },
}
"""The toolkit's settings for official images, which an error message of a server may name.

The toolkit's own images have these and more in their configuration, as far as they matter there. A
server ignores a `loose_` option that it does not know: MySQL and MariaDB know different ones.
"""

RESERVED: Final = {
    Vendor.POSTGRESQL: frozenset(
        {
            *("config_file", "data_directory", "external_pid_file", "hba_file", "ident_file"),
            *("listen_addresses", "port", "ssl", "unix_socket_directories", "unix_socket_group"),
            "unix_socket_permissions",
        }
    ),
    Vendor.MYSQL: frozenset(
        {
            *("basedir", "bind_address", "datadir", "defaults_extra_file", "defaults_file"),
            *("init_file", "innodb_data_home_dir", "innodb_log_group_home_dir"),
            *("innodb_undo_directory", "pid_file", "port", "skip_grant_tables"),
            *("skip_networking", "socket", "user"),
        }
    ),
}
"""What decides how a server starts, how it is reached, and where its data is."""


def check_settings(group: DatabaseGroup) -> None:
    """Refuse settings of a group's server that the toolkit has to decide.

    Raises:
        UsageError: There is such a setting.
    """
    for name, _ in group.settings:
        if _plain(name) in RESERVED[group.vendor]:
            raise UsageError(
                f"--server-settings cannot contain {name}: the toolkit decides how a server "
                "starts, how it is reached, and where its data is.",
                "Remove it.",
            )


def setting_in(group: DatabaseGroup, text: str) -> str:
    """The setting of the toolkit's servers that an error names: `wal_level=minimal`.

    An empty string where it names none, or one that the user has decided.
    """
    decided = {_plain(name) for name, _ in group.settings}
    words = {_plain(word.strip("-")) for word in re.findall(r"[\w-]+", text)}
    for name, value in TOOLKIT_SETTINGS[group.vendor].items():
        if _plain(name) in words - decided:
            return f"{name.removeprefix('loose_')}={value}"
    return ""


def _plain(name: str) -> str:
    """A name in lower case, with underscores, without the prefixes `loose_` and `skip_`."""
    return re.sub(r"^(loose_|skip_(?!networking|grant))", "", name.lower().replace("-", "_"))
