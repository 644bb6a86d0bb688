"""The JSON of a difference: one object, `version` first, then the fields of the data classes."""

from __future__ import annotations

import json
from typing import Final

from ctest_containers.codec import build, encoder, fields_of
from ctest_containers.rows.model import DatabaseDifference

FORMAT: Final = 1
"""The version of the format."""


def to_json(difference: DatabaseDifference) -> str:
    """Return a difference as one line of ASCII; text that is not Unicode survives, too."""
    return encoder(ascii_only=True)({"version": FORMAT, **fields_of(difference)})


def from_json(text: str | bytes) -> DatabaseDifference:
    """Return the difference that `to_json` encoded.

    Raises:
        ValueError: The text is not a difference in this version of the format.
    """
    try:
        data = json.loads(text)
        version = data.pop("version")
        if version != FORMAT:
            raise ValueError(f"version {version!r} of the format, not {FORMAT}")
        difference: DatabaseDifference = build(DatabaseDifference, data)
        _check_rows(difference)
    except (AttributeError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise ValueError(f"not a difference between databases: {error!s:.200}") from error
    return difference


def _check_rows(difference: DatabaseDifference) -> None:
    """Check that each row has a value for each column."""
    for table in difference.tables:
        changed = (row for change in table.changed for row in (change.before, change.after))
        for row in (*table.added, *table.removed, *changed):
            if len(row) != len(table.columns):
                raise ValueError(f"a row of {table.name} has {len(row)} values")
            if not all(value is None or isinstance(value, str) for value in row):
                raise ValueError(f"a row of {table.name} has a value that is not text")
