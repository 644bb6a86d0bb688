"""Options for database servers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.config.server_settings import ServerSetting, parse_server_settings
from ctest_containers.model import AUTO, OWNER, SUPERUSER
from ctest_containers.options.option import option
from ctest_containers.options.values import (
    parse_choice,
    parse_seconds,
    parse_size,
)

SECTION: Final = "database servers"


@dataclass(frozen=True, kw_only=True)
class ServerOptions:
    """Options for database servers."""

    transport: str = option(
        "auto",
        parse_choice("auto", "socket", "port", "network"),
        "HOW",
        "How workers reach their servers. socket: a Unix socket, with no network at all. port: a "
        "published port, on the loopback address if the engine is local. network: a container "
        "network, if the toolkit runs in a container. auto: the first of socket, network and port "
        "that works.",
        section=SECTION,
    )
    server_timeout: float = option(
        60.0,
        parse_seconds,
        "SECONDS",
        "How long a database server may take to start.",
        section=SECTION,
    )
    server_memory: int = option(
        2 * 2**30,
        parse_size,
        "SIZE",
        "How much memory one database server may use, such as 512m or 2g. A query that needs more "
        "crashes its own server, but nothing else.",
        section=SECTION,
    )
    server_settings: tuple[ServerSetting, ...] = option(
        (),
        parse_server_settings,
        "NAME=VALUE",
        "Settings for database servers, such as wal_level=replica,max_replication_slots=4; in "
        "Django's settings, a dictionary. If the project has servers of several vendors, prefix "
        "each name with the vendor: postgresql.wal_level, mysql.event_scheduler. The settings are "
        "part of the fingerprint. Use the dictionary for a value that contains both a comma and "
        "an equals sign. Do not include secrets: templates store the values in plain text.",
        section=SECTION,
    )
    database_role: str = option(
        AUTO,
        parse_choice(AUTO, OWNER, SUPERUSER),
        "HOW",
        "What your project's PostgreSQL role may do. owner: own its databases, and create "
        "databases, roles and extensions. superuser: anything. auto: migrations run as an owner; "
        "afterwards, the role becomes a superuser unless migrations leave row-level security, "
        "granted or revoked privileges, or other roles. If a migration lacks a privilege, both "
        "migrations and tests run as a superuser. The role postgres is always a superuser.",
        section=SECTION,
    )
