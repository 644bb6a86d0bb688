"""Whatever rows two SQLite databases have, their difference turns one into the other."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.model import SQLITE
from ctest_containers.rows import DatabaseLocation, apply, difference, from_json, to_json

SCHEMA: Final = """
CREATE TABLE loose (a, b BLOB, "odd ""name" NUMERIC);
CREATE TABLE typed (id INTEGER PRIMARY KEY AUTOINCREMENT, i INTEGER, r REAL, t TEXT,
    twice AS (i * 2), thrice AS (r * 3) STORED);
CREATE TABLE paired (b, a TEXT COLLATE NOCASE NOT NULL, number UNIQUE, PRIMARY KEY (a, b))
    WITHOUT ROWID;
CREATE TABLE folded (rowid TEXT COLLATE NOCASE, n);
CREATE TABLE nullable (k TEXT PRIMARY KEY, n);
CREATE TABLE tree (id INTEGER PRIMARY KEY, parent NOT NULL REFERENCES tree);
CREATE TABLE fired (n);
CREATE TRIGGER inserted AFTER INSERT ON typed BEGIN INSERT INTO fired VALUES (NEW.id); END;
CREATE TRIGGER deleted BEFORE DELETE ON loose BEGIN SELECT RAISE(ABORT, 'not deleted'); END;
"""

INTEGERS: Final = st.integers(min_value=-(2**63), max_value=2**63 - 1)
FLOATS: Final = st.floats(allow_nan=False)
TEXTS: Final = st.one_of(
    st.text(),
    # As bytes, for a text that is not UTF-8.
    st.binary(max_size=4).map(lambda data: ("text", data)),
    st.sampled_from(["", "a", "A", "'", "x'00'", "1", "1.0", "\0", "a\0b"]),
)
VALUES: Final = st.one_of(
    st.none(),
    st.sampled_from([0, 1, 0.0, -0.0, 1.0, b"", b"a", b"1"]),
    INTEGERS,
    FLOATS,
    TEXTS,
    st.binary(max_size=4),
)


def rows(*columns: st.SearchStrategy[Any]) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    """Rows of a table; those that it refuses are left out later."""
    return st.lists(st.tuples(*columns), max_size=6)


CONTENTS: Final = st.fixed_dictionaries(
    {
        'loose (a, b, "odd ""name")': rows(VALUES, VALUES, VALUES),
        "typed (id, i, r, t)": rows(st.integers(1, 5), VALUES, VALUES, VALUES),
        "paired (a, b, number)": rows(
            st.sampled_from("aAbB"), st.sampled_from([1, 1.5, "1", b"1"]), st.integers(0, 3)
        ),
        "folded (rowid, n)": rows(st.sampled_from("aA"), VALUES),
        "nullable (k, n)": rows(st.sampled_from([None, "a"]), st.integers(0, 2)),
        "tree (id, parent)": rows(st.integers(0, 3), st.integers(0, 3)),
    }
)

Contents = Mapping[str, list[tuple[Any, ...]]]


def make(file: Path, contents: Contents, sequence: int) -> DatabaseLocation:
    """Make a database with these rows, but those that it refuses.

    Args:
        sequence: The last number of the table with automatic numbers, if it has rows.
    """
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.executescript(f"BEGIN; {SCHEMA}")
        for table, all_rows in contents.items():
            for row in all_rows:
                holders = ["CAST(? AS TEXT)" if isinstance(value, tuple) else "?" for value in row]
                parameters = [value[1] if isinstance(value, tuple) else value for value in row]
                connection.execute(
                    f"INSERT OR IGNORE INTO {table} VALUES ({', '.join(holders)})", parameters
                )
        connection.execute("UPDATE sqlite_sequence SET seq = ? WHERE seq > 0", [sequence])
        connection.execute("COMMIT")
    return DatabaseLocation(vendor=SQLITE, name=str(file))


def stored(file: str) -> dict[str, list[str]]:
    """Every value of a database with its type in SQLite, by table, whatever the order of rows."""
    with closing(sqlite3.connect(file)) as connection:
        connection.text_factory = bytes
        found = {}
        for (name,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
        ).fetchall():
            table = name.decode()
            columns = [
                '"' + column.decode().replace('"', '""') + '"'
                for (column,) in connection.execute(
                    "SELECT name FROM pragma_table_xinfo(?)", [table]
                )
            ]
            pairs = ", ".join(f"typeof({column}), {column}" for column in columns)
            found[table] = sorted(map(repr, connection.execute(f'SELECT {pairs} FROM "{table}"')))
    return found


@given(CONTENTS, CONTENTS, st.integers(1, 3))
def test_a_difference_turns_one_database_into_the_other(
    first: Contents, second: Contents, sequence: int
) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        before = make(folder / "before", first, 2)
        after = make(folder / "after", second, sequence)
        applied = DatabaseLocation(vendor=SQLITE, name=str(folder / "applied"))
        shutil.copyfile(before.name, applied.name)

        found = difference(before, after)
        apply(from_json(to_json(found)), applied)

        assert not difference(applied, after)
        assert stored(applied.name) == stored(after.name)
        assert bool(found) == (stored(before.name) != stored(after.name))
        assert from_json(to_json(found)) == found
