"""Starts servers from kept failures, and reads their rows."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ctest_containers.backends import VENDORS
from ctest_containers.backends.rows import DatabaseLocation, Row
from ctest_containers.failures.model import KeptDatabases
from ctest_containers.failures.store import FailureStore, Stored
from ctest_containers.model import SQLITE
from ctest_containers.servers.host import ServerHost
from ctest_containers.servers.requests import StartServer


def failures_in(cache: Path) -> dict[str, Stored]:
    """The failures that are kept in a cache folder, by the last part of the test's name."""
    folders = (cache / "ctest_containers" / "failures").glob("*")
    kept = [stored for folder in folders for stored in FailureStore(folder).all()]
    return {stored.failure.test_id.rpartition(".")[2]: stored for stored in kept}


@contextmanager
def opened(stored: Stored, alias: str, name: str) -> Iterator[DatabaseLocation]:
    """A database of a failure as it is kept."""
    for databases in stored.failure.databases:
        if alias not in databases.plan.aliases:
            continue
        if databases.plan.vendor == SQLITE:
            assert databases.files is not None
            file = str(stored.folder / databases.files[alias])
            yield DatabaseLocation(vendor=SQLITE, name=file)
            return
        with _server(stored.folder, databases) as location:
            yield DatabaseLocation(vendor=location.vendor, name=name, address=location.address)
            return
    raise AssertionError(f"{alias} is not kept")


@contextmanager
def _server(folder: Path, databases: KeptDatabases) -> Iterator[DatabaseLocation]:
    vendor = databases.plan.vendor
    with tempfile.TemporaryDirectory(prefix="k") as name:
        host = ServerHost(
            run=f"k{os.getpid()}",
            folder=Path(name),
            owner=os.getpid(),
            project="kept",
            transport="auto",
        )
        try:
            request = StartServer(
                server="o-1",
                group=databases.group,
                image=databases.image,
                own_image=True,
                vendor=vendor,
                users=(),
                timeout_seconds=60,
                memory_bytes=2**30,
                fingerprint=databases.fingerprint,
                laid_over=str(folder / databases.file),
                pending=databases.pending,
            )
            host.answer(request)
            address = host._servers["o-1"].address
            yield DatabaseLocation(vendor=vendor, name="", address=address)
        finally:
            host.close()
            host._engine._client.close()
            host._engine._patient.close()


def rows_of(location: DatabaseLocation, table: str) -> Sequence[Row]:
    """All rows of a table, in order."""
    with VENDORS[location.vendor].open_rows(location) as session:
        [wanted] = [each for each in session.tables() if each.name.rpartition(".")[2] == table]
        return sorted(session.rows(wanted, list(session.digests(wanted))))
