"""The tables and columns of random statements, compared with what SQLite says."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing

import pytest
from harness.sqlite_access import access_of, assert_covers
from hypothesis import assume, given
from hypothesis import strategies as st

from ctest_containers.statements.normalized import normalized
from ctest_containers.statements.touched import touched

TABLES = {"book": "abc", "author": "bcd", "shelf": "cde", "order": "aef"}
SCHEMA = "; ".join(
    f'CREATE TABLE "{name}" (id INTEGER PRIMARY KEY, {", ".join(columns)}, UNIQUE ({columns[0]}))'
    for name, columns in TABLES.items()
)
NAMES = frozenset(TABLES)


def quoted(name: str, draw: st.DrawFn) -> str:
    styles = ['"{}"', "`{}`", "[{}]"]
    if name != "order":
        styles += ["{}", "{}"]
    return draw(st.sampled_from(styles)).format(name)


@st.composite
def sources(draw: st.DrawFn, prefix: str, depth: int, ctes: Sequence[str]) -> tuple[str, list[str]]:
    """A FROM clause, and the columns that may be used after it."""
    text, columns = "", list[str]()
    for number in range(draw(st.integers(1, 3))):
        alias = f"{prefix}{number}"
        kind = draw(st.sampled_from(["table", "alias", "alias", "query", "cte"]))
        if kind == "query" and depth:
            item, names = draw(queries(f"{alias}_", depth - 1, ctes))
            item, names = f"({item}) {alias}", [f"{alias}.{name}" for name in names]
        elif kind == "cte" and ctes:
            item = f"{draw(st.sampled_from(ctes))} AS {alias}"
            names = [f"{alias}.n0"]
        else:
            table = draw(st.sampled_from(sorted(TABLES)))
            item = quoted(table, draw) + draw(st.sampled_from([" ", " AS "])) + quoted(alias, draw)
            names = [f"{quoted(alias, draw)}.{quoted(column, draw)}" for column in TABLES[table]]
        columns += names
        if not text:
            text = item
            continue
        join = draw(st.sampled_from([", ", " JOIN ", " LEFT JOIN ", " CROSS JOIN ", " JOIN ("]))
        if join == " JOIN (":
            text += f" JOIN ({item})"
        elif "CROSS" in join or join == ", ":
            text += join + item
        else:
            text += f"{join}{item} ON ({columns[0]} = {names[0]})"
    return text, columns


@st.composite
def expressions(draw: st.DrawFn, columns: Sequence[str], prefix: str, depth: int) -> str:
    column = st.sampled_from(columns)
    forms = ["{0}", "{0} + 1", "COUNT({0})", "LOWER({0}) || 'x'", "CAST({0} AS TEXT)", "{0} * {1}"]
    forms += ["CASE WHEN {0} > 1 THEN {1} ELSE NULL END", "COALESCE({0}, {1}, 'it''s')"]
    form = draw(st.sampled_from(forms)).format(draw(column), draw(column))
    if depth and draw(st.integers(0, 4)) == 0:
        query, _ = draw(queries(f"{prefix}e", depth - 1, (), outer=columns))
        form = draw(st.sampled_from(["(SELECT n0 FROM ({}))", "EXISTS ({})"])).format(query)
    return form


@st.composite
def queries(
    draw: st.DrawFn, prefix: str, depth: int, ctes: Sequence[str], outer: Sequence[str] = ()
) -> tuple[str, list[str]]:
    """A SELECT, and the names of its columns."""
    source, columns = draw(sources(prefix, depth, ctes))
    selected = draw(st.lists(expressions(columns, prefix, depth), min_size=1, max_size=3))
    names = [f"n{number}" for number in range(len(selected))]
    listed = ", ".join(f"{text} AS {name}" for text, name in zip(selected, names, strict=True))
    if draw(st.integers(0, 5)) == 0:
        star = draw(st.sampled_from(["*", f"{columns[0].partition('.')[0]}.*"]))
        listed = f"{listed}, {star}"
    query = f"SELECT {draw(st.sampled_from(['', 'DISTINCT ']))}{listed} FROM {source}"
    conditions = draw(st.lists(expressions([*columns, *outer], prefix, depth), max_size=2))
    plain = [f"{condition} IS NOT DISTINCT FROM 3" for condition in conditions]
    if plain and "COUNT" not in "".join(conditions):
        query += f" WHERE {' AND '.join(plain)}"
    if draw(st.integers(0, 3)) == 0:
        query += f" GROUP BY {columns[0]} HAVING COUNT(*) > 1"
    if draw(st.integers(0, 3)) == 0:
        query += " ORDER BY 1 DESC LIMIT 3"
    return query, names


@st.composite
def statements(draw: st.DrawFn) -> str:
    opening, ctes = "", list[str]()
    for number in range(draw(st.integers(0, 2))):
        query, _ = draw(queries(f"w{number}_", 1, ctes))
        # A CTE that hides a table reads the table in its own body.
        name = draw(st.sampled_from([f"cte{number}", "spare"]))
        if name not in ctes:
            opening += f"{', ' if opening else 'WITH '}{name} AS ({query})"
            ctes.append(name)
    query, names = draw(queries("q", 2, ctes))
    table = draw(st.sampled_from(sorted(TABLES)))
    first, *others = list(TABLES[table])
    written = quoted(table, draw)
    match draw(st.sampled_from(["select", "union", "insert", "values", "update", "delete"])):
        case "union":
            latter, _ = draw(queries("u", 0, ctes))
            query = f"SELECT n0 FROM ({query}) UNION ALL SELECT n0 FROM ({latter})"
        case "insert":
            columns = ", ".join(["id", *TABLES[table]][: len(names)])
            query = f"INSERT INTO {written} ({columns}) SELECT {', '.join(names)} FROM ({query})"
            if draw(st.booleans()):
                query += f" WHERE true ON CONFLICT ({first}) DO UPDATE SET {others[0]} = "
                query += f"excluded.{others[1]}"
        case "values":
            query = (
                f"INSERT OR REPLACE INTO {written} VALUES (1, 'x', (SELECT n0 FROM ({query})), 3)"
            )
        case "update":
            query = f"UPDATE {written} SET {first} = (SELECT n0 FROM ({query})), {others[0]} = 1"
        case "delete":
            query = f"DELETE FROM {written} WHERE {first} IN (SELECT n0 FROM ({query}))"
            query += f" RETURNING {others[0]}"
    return f"{opening} {query}"


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(SCHEMA)
        yield connection


@given(statement=statements())
def test_no_table_or_column_that_sqlite_reads_or_writes_is_missed(
    database: sqlite3.Connection, statement: str
) -> None:
    try:
        access = access_of(database, statement)
    except sqlite3.OperationalError as error:
        if "syntax" in str(error):
            raise
        # An aggregate may be where there must be none, and a name may be ambiguous.
        assume(condition=False)

    for text in (statement, normalized(statement, "sqlite")):
        assert_covers(touched(text, "sqlite"), access, text, tables=NAMES)
