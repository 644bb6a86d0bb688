"""Reads the contents of stored templates, and checks them."""

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
    stored: StoredTemplate,
    host: Callable[[], ServerHostClient],
    *,
    server_timeout_seconds: float,
    migrations: Mapping[str, Iterable[str]],
) -> list[str]:
    """Return the problems of a template's databases, a sentence each; empty if there are none.

    Args:
        host: Returns the server host; not called for SQLite.
        migrations: The migrations that each database must have, such as `shop.0007_x`.
    """
    try:
        catalogs, marks = read_databases(
            stored, host, server_timeout_seconds=server_timeout_seconds
        )
    except ServerError as error:
        return [f"Its server does not start: {error.message}"]
    except sqlite3.DatabaseError as error:
        return [f"Its files are not SQLite databases: {error}."]
    problems = []
    if not stored.catalog:
        problems.append("It does not record its databases' catalogs.")
    elif catalog_digest(catalogs) != stored.catalog:
        problems.append("Its databases' catalogs differ from the recorded ones.")
    for name in stored.databases:
        if marks.get(name) != stored.fingerprint:
            problems.append(f"Its database {name} does not record its fingerprint.")
        if missing := unapplied(catalogs.get(name, {}), migrations.get(name, ())):
            problems.append(f"Its database {name} lacks {listing(missing)}.")
    return problems


def read_databases(
    stored: StoredTemplate, host: Callable[[], ServerHostClient], *, server_timeout_seconds: float
) -> tuple[dict[str, Catalog], dict[str, str]]:
    """Return the catalogs of a template's databases, and the fingerprints that they carry.

    Raises:
        ServerError: A server does not start from it.
        sqlite3.DatabaseError: A file is not an SQLite database.
    """
    if not stored.has_server:
        folder = Path(stored.source)
        files = {name: backend.file_of(folder, name) for name in stored.databases}
        saved = {name: backend.catalog(file) for name, file in files.items() if file.exists()}
        # A file carries no fingerprint but the name of its folder.
        return dict(saved), dict.fromkeys(saved, stored.fingerprint)
    # A server host never reuses a name: a request for a removed server starts nothing.
    server = f"check-{stored.group}-{secrets.token_hex(4)}"
    start = StartServer(
        server=server,
        group=stored.group,
        image=stored.source,
        own_image=stored.own_image,
        settings=stored.settings,
        vendor=stored.vendor,
        users=(),
        timeout_seconds=server_timeout_seconds,
        memory_bytes=CHECK_MEMORY_BYTES,
    )
    client = host()
    try:
        client.call(start, server_timeout_seconds + ANSWER_SECONDS)
        marks = client.call(ReadMarks(server=server, databases=stored.databases), ANSWER_SECONDS)
        marked = tuple(name for name in stored.databases if name in marks)
        catalogs = client.call(ReadCatalogs(server=server, databases=marked), ANSWER_SECONDS)
    finally:
        # The image cannot be removed while a container uses it.
        with suppress(EngineError):
            client.call(RemoveServer(server=server), ANSWER_SECONDS)
    return dict(catalogs), dict(marks)
