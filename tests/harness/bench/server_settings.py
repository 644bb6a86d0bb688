"""The settings of the toolkit's own images that are there for speed or memory, set back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

OURS: Final = "as in the image"
VENDORS_OWN: Final = "all at the vendor's defaults"

Values = Mapping[str, str]
"""What servers are told, by the names of their options."""

POSTGRESQL: Final[Mapping[str, Values]] = {
    "fsync": {"fsync": "on"},
    "synchronous_commit": {"synchronous_commit": "on"},
    "full_page_writes": {"full_page_writes": "on"},
    "wal_level": {"wal_level": "replica", "max_wal_senders": "10"},
    "size of the WAL": {"min_wal_size": "80MB", "max_wal_size": "1GB"},
    "checkpoint_timeout": {"checkpoint_timeout": "5min"},
    "shared_buffers": {"shared_buffers": "128MB"},
    "dynamic_shared_memory_type": {"dynamic_shared_memory_type": "posix"},
    "jit": {"jit": "on"},
    "autovacuum": {"autovacuum": "on"},
    "numbers of workers": {"max_worker_processes": "8", "max_parallel_workers": "8"},
    "max_logical_replication_workers": {"max_logical_replication_workers": "4"},
}

MYSQL: Final[Mapping[str, Values]] = {
    "innodb_flush_log_at_trx_commit": {"innodb_flush_log_at_trx_commit": "1"},
    # On a file system that can do it.
    "innodb_flush_method": {"innodb_flush_method": "O_DIRECT"},
    "innodb_doublewrite": {"innodb_doublewrite": "ON"},
    "innodb_use_native_aio": {"innodb_use_native_aio": "ON"},
    "innodb_extend_and_initialize": {"innodb_extend_and_initialize": "ON"},
    "innodb_buffer_pool_size": {
        "innodb_buffer_pool_size": "128M",
        "innodb_buffer_pool_chunk_size": "128M",
    },
    "innodb_redo_log_capacity": {"innodb_redo_log_capacity": "100M"},
    "innodb_log_buffer_size": {"innodb_log_buffer_size": "64M"},
    # On a machine of many cores; on a small one the server itself has them off.
    "innodb_log_writer_threads": {"innodb_log_writer_threads": "ON"},
    "numbers of InnoDB's threads": {
        "innodb_purge_threads": "4",
        "innodb_read_io_threads": "4",
        "innodb_write_io_threads": "4",
    },
    "performance_schema": {"performance_schema": "ON"},
    "log_bin": {"log_bin": "binlog"},
    "mysqlx": {"mysqlx": "ON"},
    "caches of tables": {
        "table_open_cache": "4000",
        "table_open_cache_instances": "16",
        "table_definition_cache": "2000",
    },
}

MARIADB: Final[Mapping[str, Values]] = {
    "innodb_flush_log_at_trx_commit": {"innodb_flush_log_at_trx_commit": "1"},
    "innodb_doublewrite": {"innodb_doublewrite": "ON"},
    "innodb_data_file_buffering": {"innodb_data_file_buffering": "OFF"},
    # Where the file system lets it; elsewhere the server itself keeps what the image has.
    "innodb_log_file_buffering": {
        "innodb_log_file_buffering": "OFF",
        "innodb_log_file_mmap": "ON",
    },
    "innodb_use_native_aio": {"innodb_use_native_aio": "ON"},
    "syncs outside InnoDB": {
        "sync_frm": "ON",
        "debug_no_sync": "OFF",
        "aria_sync_log_dir": "NEWFILE",
    },
    "innodb_buffer_pool_size": {
        "innodb_buffer_pool_size": "128M",
        "innodb_buffer_pool_size_max": "8796093022208",
    },
    "innodb_log_buffer_size": {"innodb_log_buffer_size": "16M"},
    "innodb_log_file_size": {"innodb_log_file_size": "96M"},
    "numbers of InnoDB's threads": {
        "innodb_purge_threads": "4",
        "innodb_read_io_threads": "4",
        "innodb_write_io_threads": "4",
    },
    "innodb_undo_tablespaces": {"innodb_undo_tablespaces": "3"},
    "caches of Aria and MyISAM": {
        "aria_pagecache_buffer_size": "128M",
        "key_buffer_size": "128M",
    },
    "caches of tables": {"table_open_cache": "2000", "table_open_cache_instances": "8"},
}

SETTINGS: Final[Mapping[str, Mapping[str, Values]]] = {
    "postgresql": POSTGRESQL,
    "mysql": MYSQL,
    "mariadb": MARIADB,
}
"""What each vendor has by itself where the image has something else, by the image's flavour.

What only means something together is one setting. The values are those of PostgreSQL 17, MySQL 9.7
and MariaDB 11.8: `boot_val` in pg_settings, and what `--no-defaults --verbose --help` shows.
"""


def variants(settings: Mapping[str, Values]) -> dict[str, Values]:
    """What servers are told beyond the image: nothing, everything, and each setting alone."""
    everything = {name: value for one in settings.values() for name, value in one.items()}
    return {OURS: {}, VENDORS_OWN: everything, **settings}


def arguments(on: str, values: Values) -> list[str]:
    """The command line that tells a server so."""
    if on == "postgresql":
        return [part for name, value in values.items() for part in ("-c", f"{name}={value}")]
    return [f"--{name}={value}" for name, value in values.items()]
