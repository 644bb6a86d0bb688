"""Looks into templates: whether one is what it says of itself, and what two differ in."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from ctest_containers.backends import sqlite as backend
from ctest_containers.backends.catalog import Catalog, catalog_digest, unapplied
from ctest_containers.errors import EngineError, ServerError
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import ReadCatalogs, ReadMarks, RemoveServer, StartServer
from ctest_containers.template.stored import StoredTemplate
from ctest_containers.text import listing

CHECK_MEMORY_BYTES: Final = 2 * 2**30


def check(
    kept: StoredTemplate,
    host: Callable[[], ServerHostClient],
    *,
    server_timeout_seconds: float,
    migrations: Mapping[str, Iterable[str]],
) -> list[str]:
    """What a template's databases are not as they should be, a sentence each; empty if all is well.

    Args:
        host: Gives what starts a server from it; not asked for SQLite.
        migrations: Those that each database must have had, such as `shop.0007_x`.
    """
    try:
        catalogs, marks = look_into(kept, host, server_timeout_seconds=server_timeout_seconds)
    except ServerError as error:
        return [f"Its server does not start: {error.message}"]
    except sqlite3.DatabaseError as error:
        return [f"Its files are no databases of SQLite: {error}."]
    problems = []
    if not kept.catalog:
        problems.append("It says nothing of its databases' catalogs.")
    elif catalog_digest(catalogs) != kept.catalog:
        problems.append("Its databases' catalogs are not those that its label was made from.")
    for name in kept.databases:
        if marks.get(name) != kept.fingerprint:
            problems.append(f"Its database {name} does not carry its fingerprint.")
        if missing := unapplied(catalogs.get(name, {}), migrations.get(name, ())):
            problems.append(f"Its database {name} has not had {listing(missing)}.")
    return problems


def look_into(
    kept: StoredTemplate, host: Callable[[], ServerHostClient], *, server_timeout_seconds: float
) -> tuple[dict[str, Catalog], dict[str, str]]:
    """The catalogs of a template's databases, and the fingerprints that they carry."""
    if not kept.has_server:
        folder = Path(kept.source)
        files = {name: backend.file_of(folder, name) for name in kept.databases}
        found = {name: backend.catalog(file) for name, file in files.items() if file.exists()}
        # Its folder's name is the only mark that a file has.
        return dict(found), dict.fromkeys(found, kept.fingerprint)
    # The host knows a name once: a server that was removed does not come back.
    server = f"check-{kept.group}-{secrets.token_hex(4)}"
    start = StartServer(
        server=server,
        group=kept.group,
        image=kept.source,
        own_image=kept.own_image,
        settings=kept.settings,
        vendor=kept.vendor,
        users=(),
        timeout_seconds=server_timeout_seconds,
        memory_bytes=CHECK_MEMORY_BYTES,
    )
    client = host()
    try:
        client.call(start, server_timeout_seconds + ANSWER_SECONDS)
        marks = client.call(ReadMarks(server=server, databases=kept.databases), ANSWER_SECONDS)
        there = tuple(name for name in kept.databases if name in marks)
        catalogs = client.call(ReadCatalogs(server=server, databases=there), ANSWER_SECONDS)
    finally:
        # An image that a container still uses cannot be removed, should it be refused.
        with suppress(EngineError):
            client.call(RemoveServer(server=server), ANSWER_SECONDS)
    return dict(catalogs), dict(marks)
