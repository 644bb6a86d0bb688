"""The tables and columns that SQL statements may read and write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache, reduce
from typing import Final

from ctest_containers.statements.reader import references_of
from ctest_containers.statements.references import References
from ctest_containers.statements.tokens import (
    MYSQL,
    OMITTED,
    SQLITE,
    Token,
    UnreadableError,
    tokens_of,
)
from ctest_containers.statements.words import (
    BY_RELATION_NAME,
    CATALOGS,
    DDL_WORDS,
    DEPENDENT_TABLES,
    EXPLAINED,
    PLAIN_PRAGMAS,
    READ_AS_QUERIES,
    TOUCHING_NOTHING,
)


class StatementKind(str, Enum):
    """What a statement does in the first place."""

    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    DDL = "ddl"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Touched:
    """What a statement may read and write: too much rather than too little.

    Names are in lower case, and tables have no schema. Views, triggers, foreign keys and functions
    of the database may touch more.

    Attributes:
        kind: What it does; a statement that starts with WITH does what follows.
        read: Tables that it reads, without those that it only writes.
        written: Tables whose rows or definition it changes.
        inserted: Those of them into which it inserts rows.
        columns: The columns that it names, by table. A column without the name of its table counts
            for each table of the statement.
        whole: Tables of which each column counts: `*`, an INSERT without columns, DDL.
        calls: Functions that it calls.
        anything: Whether it may touch any table: it cannot be read, reads the database's catalog,
            or executes something that is stored elsewhere.
    """

    kind: StatementKind = StatementKind.OTHER
    read: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    inserted: frozenset[str] = frozenset()
    columns: Mapping[str, frozenset[str]] = field(default_factory=dict)
    whole: frozenset[str] = frozenset()
    calls: frozenset[str] = frozenset()
    anything: bool = False

    @property
    def tables(self) -> frozenset[str]:
        """All tables that it names."""
        return self.read | self.written

    def __or__(self, other: Touched) -> Touched:
        """What either touches; the kind is the first that is not OTHER."""
        columns = dict(self.columns)
        for table, names in other.columns.items():
            columns[table] = columns.get(table, frozenset()) | names
        return Touched(
            kind=other.kind if self.kind is StatementKind.OTHER else self.kind,
            read=self.read | other.read,
            written=self.written | other.written,
            inserted=self.inserted | other.inserted,
            columns=columns,
            whole=self.whole | other.whole,
            calls=self.calls | other.calls,
            anything=self.anything or other.anything,
        )


@lru_cache(maxsize=4096)
def touched(text: str, vendor: str) -> Touched:
    """What a statement touches; its text may be normalized."""
    try:
        tokens = tokens_of(text, vendor)
    except UnreadableError:
        return Touched(anything=True)
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == ";":
            parts.append([])
        else:
            parts[-1].append(token)
    return reduce(Touched.__or__, [_touched(part, vendor) for part in parts if part], Touched())


def _touched(tokens: Sequence[Token], vendor: str) -> Touched:
    words = [token.upper for token in tokens]
    if OMITTED in words:
        return Touched(anything=True)
    if words[0] == "EXPLAIN":
        start = next((place for place, word in enumerate(words) if word in EXPLAINED), len(words))
        tokens, words = tokens[start:], words[start:]
    first = words[0] if words else ""
    if not first or (first in TOUCHING_NOTHING and "SELECT" not in words):
        return Touched()
    if first == "PRAGMA" and vendor == SQLITE:
        return Touched(anything=not PLAIN_PRAGMAS.intersection(words[1:2]) and "=" not in words)
    if first == "SHOW" and vendor != MYSQL:
        return Touched()
    references = references_of(tokens, vendor)
    if first in DDL_WORDS:
        return _ddl(references, words)
    return _query(references, words)


def _query(references: References, words: Sequence[str]) -> Touched:
    anything = (
        references.anything
        or words[0] not in READ_AS_QUERIES
        or not CATALOGS.isdisjoint(references.schemas | references.tables)
        or any(table.startswith("pg_") for table in references.tables)
        or not BY_RELATION_NAME.isdisjoint(references.calls)
        or not {"REGCLASS", "REGTYPE"}.isdisjoint(words)
        or (words[0] == "TRUNCATE" and "CASCADE" in words)
    )
    everywhere = references.free
    return Touched(
        kind=_KINDS.get(references.kind, StatementKind.OTHER),
        read=frozenset(references.read),
        written=frozenset(references.written),
        inserted=frozenset(references.inserted),
        columns={
            table: frozenset(everywhere | references.columns.get(table, set()))
            for table in references.tables
        },
        whole=frozenset(references.whole),
        calls=frozenset(references.calls),
        anything=anything,
    )


def _ddl(references: References, words: Sequence[str]) -> Touched:
    is_of_table = any(word in {"TABLE", "INDEX"} for word in words[1:4])
    is_alone = DEPENDENT_TABLES.isdisjoint(words) and words[:2] != ["DROP", "INDEX"]
    tables = frozenset(references.tables)
    return Touched(
        kind=StatementKind.DDL,
        written=tables,
        whole=tables,
        calls=frozenset(references.calls),
        anything=references.anything or not (is_of_table and is_alone and tables),
    )


_KINDS: Final = {
    "SELECT": StatementKind.SELECT,
    "VALUES": StatementKind.SELECT,
    "TABLE": StatementKind.SELECT,
    "INSERT": StatementKind.INSERT,
    "REPLACE": StatementKind.INSERT,
    "COPY": StatementKind.INSERT,
    "UPDATE": StatementKind.UPDATE,
    "MERGE": StatementKind.UPDATE,
    "DELETE": StatementKind.DELETE,
    "TRUNCATE": StatementKind.DELETE,
}
