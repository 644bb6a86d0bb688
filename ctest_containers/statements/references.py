"""What a statement refers to, found by the words before each name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ctest_containers.statements.tokens import MYSQL, SQLITE, UNKNOWN_NAME, Kind, Token
from ctest_containers.statements.words import (
    AFTER_TABLES,
    DDL_WORDS,
    LOCKS,
    MODIFIERS,
    NOT_BEFORE_UPDATED,
    NOT_RESERVED_EVERYWHERE,
    OPENING_QUERIES,
    QUERIES,
    RESERVED,
)


@dataclass(slots=True)
class References:
    """The names in a statement, in lower case.

    Attributes:
        kind: The word that says what it does: `SELECT`.
        read: Tables that it reads.
        written: Tables that it changes.
        inserted: Tables into which it inserts.
        columns: Columns with the names of their tables.
        free: Columns of any of the tables.
        whole: Tables of which all columns count.
        calls: Functions.
        schemas: The schemas of tables.
        anything: Whether a name is not known.
    """

    kind: str = ""
    read: set[str] = field(default_factory=set)
    written: set[str] = field(default_factory=set)
    inserted: set[str] = field(default_factory=set)
    columns: dict[str, set[str]] = field(default_factory=dict)
    free: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)
    calls: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    anything: bool = False

    @property
    def tables(self) -> set[str]:
        """All tables."""
        return self.read | self.written


def references_of(tokens: Sequence[Token], vendor: str) -> References:
    """What a statement refers to; the names of its CTEs and subqueries are resolved."""
    reader = _Reader(tokens, vendor)
    reader.read()
    return reader.resolved()


@dataclass(frozen=True, slots=True)
class _Source:
    """What a name in a FROM clause stands for; a subquery or a function if it has no name."""

    name: str = ""
    position: int = 0
    has_schema: bool = False
    is_written: bool = False


@dataclass(slots=True)
class _Cte:
    name: str
    start: int
    end: int


@dataclass(slots=True)
class _Level:
    """What is between two parentheses, or the statement."""

    is_query: bool = False
    statement: str = ""
    in_from: bool = False
    is_table_next: bool = False
    is_written: bool = False
    is_insert: bool = False
    has_star: bool = False
    is_with: bool = False
    is_recursive: bool = False
    is_ending: bool = False
    sources: list[_Source] = field(default_factory=list)
    joined: list[_Source] = field(default_factory=list)
    ctes: list[_Cte] = field(default_factory=list)
    body_of: _Cte | None = None


class _Reader:
    """Reads the tokens of a statement once."""

    def __init__(self, tokens: Sequence[Token], vendor: str) -> None:
        self._tokens = tokens
        self._vendor = vendor
        self._references = References()
        self._levels = [_Level(is_query=True)]
        self._ended: list[_Level] = []
        self._ctes: list[_Cte] = []
        self._aliases: dict[str, list[_Source]] = {}
        self._qualified: list[tuple[str, str]] = []
        self._is_ddl = bool(tokens) and tokens[0].upper in DDL_WORDS
        self._is_all_whole = False
        self._index = 0

    def read(self) -> None:
        while self._index < len(self._tokens):
            token = self._tokens[self._index]
            if token.text == "(":
                self._open()
            elif token.text == ")":
                self._close()
            elif token.text == ",":
                level = self._level
                level.is_table_next = level.in_from
                if level.is_with and (cte := self._cte_at(self._index + 1)):
                    self._begin_cte(cte)
            elif token.text == "*":
                self._star()
            elif token.kind is Kind.VALUE:
                self._references.anything |= self._level.is_table_next
                self._level.is_table_next = False
            elif self._is_name(self._index):
                self._name()
                continue
            elif token.kind is Kind.WORD:
                self._word(token.upper)
            self._index += 1
        while self._levels:
            self._end_level()

    def resolved(self) -> References:
        references = self._references
        for sources in [level.sources for level in self._ended]:
            for source in sources:
                if table := self._table(source):
                    (references.written if source.is_written else references.read).add(table)
        tables = references.tables
        if self._is_all_whole:
            references.whole |= tables
        for level in self._ended:
            if level.has_star:
                references.whole.update(filter(None, map(self._table, level.sources)))
        for qualifier, column in self._qualified:
            sources = self._aliases.get(qualifier, [])
            for table in filter(None, map(self._table, sources)) if sources else tables:
                if column == "*":
                    references.whole.add(table)
                else:
                    references.columns.setdefault(table, set()).add(column)
        if self._vendor not in {MYSQL, SQLITE}:
            for name in references.free & self._aliases.keys():  # A row of the table.
                references.whole.update(filter(None, map(self._table, self._aliases[name])))
        references.whole &= tables
        return references

    def _table(self, source: _Source) -> str:
        """The table that a source is; empty for a subquery or a CTE."""
        is_cte = not source.has_schema and not source.is_written
        if is_cte and any(
            cte.name == source.name and cte.start <= source.position <= cte.end
            for cte in self._ctes
        ):
            return ""
        return source.name

    @property
    def _level(self) -> _Level:
        return self._levels[-1]

    def _upper(self, index: int) -> str:
        return self._tokens[index].upper if 0 <= index < len(self._tokens) else ""

    def _open(self) -> None:
        level = self._level
        before = self._upper(self._index - 1)
        nested = _Level()
        if level.is_table_next:  # A subquery, or joined tables in parentheses.
            level.is_table_next = False
            level.joined = [_Source()]
            if self._upper(self._index + 1) not in OPENING_QUERIES:
                nested = _Level(is_query=True, in_from=True, is_table_next=True)
                nested.is_written = level.is_written
                nested.sources = level.joined = []
        elif level.is_with and before in {"AS", "MATERIALIZED"} and level.ctes:
            nested.body_of = level.ctes[-1]
        self._levels.append(nested)

    def _close(self) -> None:
        if len(self._levels) == 1:
            return
        cte = self._level.body_of
        self._end_level()
        level = self._level
        if cte is not None:
            cte.start = min(cte.start, self._index)
            if self._upper(self._index + 1) != ",":
                level.is_with = False
        elif level.in_from:
            self._alias(level.joined)
            level.sources.extend(source for source in level.joined if source not in level.sources)

    def _end_level(self) -> None:
        level = self._levels.pop()
        for cte in level.ctes:
            cte.end = self._index
        self._ended.append(level)

    def _star(self) -> None:
        before, after = self._upper(self._index - 1), self._upper(self._index + 1)
        if before == "(" and after == ")":
            return  # COUNT(*)
        ends = after in {"", ",", ")"} or after in RESERVED - {"CASE", "NOT", "EXISTS"}
        if ends or before in {"SELECT", "DISTINCT", "ALL", "RETURNING", ","}:
            self._level.has_star = True

    def _word(self, word: str) -> None:
        level, before = self._level, self._upper(self._index - 1)
        following = self._upper(self._index + 1)
        is_start = not level.statement or before in {"(", ")", "AS", "THEN", "ALL", "FOR"}
        if word in OPENING_QUERIES and not level.statement and word != "WITH":
            level.statement = word
            if len(self._levels) == 1:
                self._references.kind = word
        if word == "WITH":
            shift = 2 if following == "RECURSIVE" else 1
            if cte := self._cte_at(self._index + shift):
                level.is_with, level.is_recursive = True, shift == 2
                self._begin_cte(cte)
        elif word in {"SELECT", "VALUES"} and following != "":
            level.is_query, level.in_from, level.is_table_next = True, False, False
            level.is_written = level.is_insert = False
        elif word == "FROM":
            is_distinct = before == "DISTINCT" and self._upper(self._index - 2) in {"IS", "NOT"}
            if level.is_query and not is_distinct and level.statement != "COPY":
                level.in_from = level.is_table_next = True
                level.is_written &= level.statement != "SELECT"
        elif word in {"JOIN", "STRAIGHT_JOIN"}:
            if before not in {"SELECT", "FOR"}:
                level.in_from = level.is_table_next = True
        elif word == "NATURAL":
            self._is_all_whole = True
        elif word in {"INSERT", "REPLACE", "MERGE"}:
            if following in {"VALUES", "DEFAULT"}:
                self._is_all_whole = True
            elif following != "(" and is_start:
                level.is_query = level.is_written = level.is_insert = level.is_table_next = True
        elif word == "INTO":
            level.is_table_next = True
            level.is_written = True
        elif word == "UPDATE":
            if before not in NOT_BEFORE_UPDATED and following != "SET":
                level.is_query = level.is_written = level.in_from = level.is_table_next = True
        elif word == "DELETE":
            level.is_query = level.is_written = True
        elif word == "USING":
            if following != "(" or level.statement == "MERGE":
                level.is_written = level.is_insert = False
                level.in_from = level.is_table_next = True
        elif word in {"TABLE", "TRUNCATE", "LOCK", "COPY"}:
            self._statement_of_tables(word, following)
        elif word in {"REFERENCES", "TO"} or (word == "ON" and self._upper(0) == "CREATE"):
            if self._is_ddl and following not in {"DELETE", "UPDATE"}:
                level.is_table_next = True
        elif word in AFTER_TABLES or (word == "FOR" and following in LOCKS):
            level.in_from = level.is_table_next = level.is_written = level.is_insert = False
            level.is_ending = word == "FOR"
        elif word == "ON":
            level.is_table_next = False
        if word in NOT_RESERVED_EVERYWHERE:
            self._references.free.add(word.lower())
            is_named = before in {"FROM", "JOIN", "INTO", "TABLE", ","} and level.is_table_next
            self._references.anything |= is_named and word not in QUERIES

    def _statement_of_tables(self, word: str, following: str) -> None:
        level = self._level
        if following == "(" or (word != "TABLE" and level.statement not in {"", word}):
            return
        is_read = (
            word == "TABLE" and not self._is_ddl and level.statement not in {"TRUNCATE", "LOCK"}
        )
        level.is_query = True
        level.has_star |= is_read
        level.is_insert = word == "COPY"
        level.is_written = not is_read
        level.in_from = self._upper(0) in {"DROP", "TRUNCATE", "LOCK"} or word == "LOCK"
        level.is_table_next = following != "TABLE"

    def _cte_at(self, index: int) -> str:
        """The name of the CTE that is defined at an index."""
        if not self._is_name(index):
            return ""
        name, index = _plain(self._tokens[index]), index + 1
        if self._upper(index) == "(":
            while index < len(self._tokens) and self._upper(index) != ")":
                index += 1
            index += 1
        words = [self._upper(index + shift) for shift in range(4)]
        is_defined = words[0] == "AS" and "(" in words and words[1] in {"(", "NOT", "MATERIALIZED"}
        return name if is_defined else ""

    def _begin_cte(self, name: str) -> None:
        """Notes a CTE, which the statement may use after its body, or in it if it is recursive."""
        start = self._index if self._level.is_recursive else len(self._tokens)
        cte = _Cte(name, start, len(self._tokens))
        self._level.ctes.append(cte)
        self._ctes.append(cte)

    def _is_name(self, index: int) -> bool:
        if not 0 <= index < len(self._tokens):
            return False
        token = self._tokens[index]
        return token.kind is Kind.QUOTED or (
            token.kind is Kind.WORD and token.upper not in RESERVED
        )

    def _name(self) -> None:
        """Reads a name with its qualifiers, and its alias if it is a table's."""
        level, position = self._level, self._index
        if level.is_table_next and self._upper(position) in MODIFIERS and self._is_name_after():
            self._index += 1
            return
        names = [_plain(self._tokens[self._index])]
        self._index += 1
        while self._upper(self._index) == "." and self._index + 1 < len(self._tokens):
            names.append(_plain(self._tokens[self._index + 1]))
            self._index += 2
        if level.is_table_next:
            level.is_table_next = False
            self._source(names, position)
        elif self._upper(self._index) == "(" and not self._is_ddl:
            self._references.calls.add(names[-1])
        elif level.is_ending:
            pass  # Names of tables whose rows are locked.
        elif UNKNOWN_NAME in names:
            self._is_all_whole = True
        elif len(names) == 1:
            self._references.free.add(names[0])
        else:
            self._qualified.append((names[-2], names[-1]))

    def _is_name_after(self) -> bool:
        return self._is_name(self._index + 1) or self._upper(self._index + 1) in {
            *("NOT", "EXISTS", "INTO", "(", "OR", "FROM", "?", "TABLE"),
        }

    def _source(self, names: Sequence[str], position: int) -> None:
        level = self._level
        if self._upper(self._index) == "(" and not level.is_written and not self._is_ddl:
            self._references.calls.add(names[-1])
            level.joined = [_Source()]  # The alias follows the arguments.
            return
        self._references.anything |= UNKNOWN_NAME in names
        source = _Source(names[-1], position, len(names) > 1, level.is_written)
        level.sources.append(source)
        level.joined = [source]
        self._references.schemas.update(names[:-1])
        self._aliases.setdefault(source.name, []).append(source)
        self._index -= 1
        self._alias([source])
        self._index += 1
        if level.is_insert:
            self._references.inserted.add(source.name)
            self._inserted_columns(source.name)
        elif self._upper(self._index) == "(":  # The alias may give names to the columns.
            self._references.whole.add(source.name)

    def _alias(self, sources: Sequence[_Source]) -> None:
        """Reads the alias that may follow; the index is that of the token before it."""
        shift = 2 if self._upper(self._index + 1) == "AS" else 1
        if self._is_name(self._index + shift):
            self._index += shift
            self._aliases.setdefault(_plain(self._tokens[self._index]), []).extend(sources)

    def _inserted_columns(self, table: str) -> None:
        following = self._upper(self._index)
        if following == "(" and self._upper(self._index + 1) not in QUERIES:
            columns = self._references.columns.setdefault(table, set())
            while self._index < len(self._tokens) and self._upper(self._index) != ")":
                if self._is_name(self._index) or self._tokens[self._index].kind is Kind.WORD:
                    columns.add(_plain(self._tokens[self._index]))
                self._index += 1
            self._is_all_whole |= UNKNOWN_NAME in columns
            self._index += 1
        elif following != "SET":
            self._references.whole.add(table)


def _plain(token: Token) -> str:
    """A name without its quotes, in lower case."""
    text = token.text
    if token.kind is not Kind.QUOTED or text == UNKNOWN_NAME:
        return text.lower()
    if text[:1] in "uU":
        text = text[2:]
    if text.startswith("["):
        return text[1:-1].lower()
    return text[1:-1].replace(text[0] * 2, text[0]).lower()
