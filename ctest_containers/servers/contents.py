"""Compares the contents of a server's databases with those of a server started from its image."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ctest_containers.backends import Backend
from ctest_containers.backends.catalog import Catalog, catalog_digest, differences
from ctest_containers.errors import TemplateError
from ctest_containers.model import Address


@dataclass(frozen=True, slots=True)
class Contents:
    """The contents of some databases, by their names.

    Attributes:
        counts: The result of `Backend.counts` for each database.
    """

    catalogs: Mapping[str, Catalog]
    counts: Mapping[str, Mapping[str, int]]


def read_catalogs(
    backend: Backend, address: Address, databases: Sequence[str]
) -> dict[str, Catalog]:
    """Return the catalogs of databases of a server, by their names."""
    return {name: dict(backend.catalog(address, name)) for name in databases}


def read_contents(backend: Backend, address: Address, databases: Sequence[str]) -> Contents:
    """Return the current contents of databases of a server."""
    return Contents(
        catalogs=read_catalogs(backend, address, databases),
        counts={name: dict(backend.counts(address, name)) for name in databases},
    )


def contents_digest(contents: Contents) -> str:
    """Return a digest of contents."""
    counts = {database: dict(rows) for database, rows in contents.counts.items()}
    text = json.dumps([catalog_digest(contents.catalogs), counts], sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def check_contents(before: Contents, after: Contents) -> None:
    """Check that a server started from a template contains what migrations left.

    Raises:
        TemplateError: A row count, a sequence or a definition differs.
    """
    if wrong := next(_wrong_counts(before.counts, after.counts), ""):
        raise TemplateError(
            f"A server that starts from the template is not as the migrations left it: {wrong}.",
            "Either the server discards this data when it stops, or something changes it while "
            "the server runs. Store the data in a persistent table, or run these tests with "
            "manage.py test.",
        )
    if wrong := next(differences(before.catalogs, after.catalogs), ""):
        raise TemplateError(
            f"A server that starts from the template is not as the migrations left it: {wrong}"
        )


def _wrong_counts(
    before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]
) -> Iterator[str]:
    for database, counts in before.items():
        for name, count in counts.items():
            actual = after.get(database, {}).get(name, 0)
            if actual != count:
                yield f"{name} in the database {database}: {actual} instead of {count}"
