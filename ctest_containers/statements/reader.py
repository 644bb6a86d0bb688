"""Reads the names in a statement, by the words before each of them."""

from __future__ import annotations

from collections.abc import Sequence

from ctest_containers.statements.references import Cte, Level, Names, References, Source
from ctest_containers.statements.tokens import UNKNOWN_NAME, Kind, Token, plain_name
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


def references_of(tokens: Sequence[Token], vendor: str) -> References:
    """What a statement refers to; the names of its CTEs and subqueries are resolved."""
    return _Reader(tokens).read().resolved(vendor)


class _Reader:
    """Reads the tokens of a statement once."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._names = Names()
        self._levels = [Level(is_query=True)]
        self._is_ddl = bool(tokens) and tokens[0].upper in DDL_WORDS
        self._index = 0

    def read(self) -> Names:
        """The names of the statement."""
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
                self._names.references.anything |= self._level.is_table_next
                self._level.is_table_next = False
            elif self._is_name(self._index):
                self._name()
                continue
            elif token.kind is Kind.WORD:
                self._word(token.upper)
            self._index += 1
        while self._levels:
            self._end_level()
        return self._names

    @property
    def _level(self) -> Level:
        return self._levels[-1]

    def _upper(self, index: int) -> str:
        return self._tokens[index].upper if 0 <= index < len(self._tokens) else ""

    def _open(self) -> None:
        level = self._level
        before = self._upper(self._index - 1)
        nested = Level()
        if level.is_table_next:  # A subquery, or joined tables in parentheses.
            level.is_table_next = False
            level.joined = [Source()]
            if self._upper(self._index + 1) not in OPENING_QUERIES:
                nested = Level(is_query=True, in_from=True, is_table_next=True)
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
        self._names.sources += level.sources
        if level.has_star:
            self._names.starred += level.sources

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
                self._names.references.kind = word
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
            self._names.is_all_whole = True
        elif word in {"INSERT", "REPLACE", "MERGE"}:
            if following in {"VALUES", "DEFAULT"}:
                self._names.is_all_whole = True
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
            self._names.references.free.add(word.lower())
            is_named = before in {"FROM", "JOIN", "INTO", "TABLE", ","} and level.is_table_next
            self._names.references.anything |= is_named and word not in QUERIES

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
        name, index = plain_name(self._tokens[index]), index + 1
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
        cte = Cte(name, start, len(self._tokens))
        self._level.ctes.append(cte)
        self._names.ctes.append(cte)

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
        names = [plain_name(self._tokens[self._index])]
        self._index += 1
        while self._upper(self._index) == "." and self._index + 1 < len(self._tokens):
            names.append(plain_name(self._tokens[self._index + 1]))
            self._index += 2
        if level.is_table_next:
            level.is_table_next = False
            self._source(names, position)
        elif self._upper(self._index) == "(" and not self._is_ddl:
            self._names.references.calls.add(names[-1])
        elif level.is_ending:
            pass  # Names of tables whose rows are locked.
        elif UNKNOWN_NAME in names:
            self._names.is_all_whole = True
        elif len(names) == 1:
            self._names.references.free.add(names[0])
        else:
            self._names.qualified.append((names[-2], names[-1]))

    def _is_name_after(self) -> bool:
        return self._is_name(self._index + 1) or self._upper(self._index + 1) in {
            *("NOT", "EXISTS", "INTO", "(", "OR", "FROM", "?", "TABLE"),
        }

    def _source(self, names: Sequence[str], position: int) -> None:
        level = self._level
        if self._upper(self._index) == "(" and not level.is_written and not self._is_ddl:
            self._names.references.calls.add(names[-1])
            level.joined = [Source()]  # The alias follows the arguments.
            return
        self._names.references.anything |= UNKNOWN_NAME in names
        source = Source(names[-1], position, len(names) > 1, level.is_written)
        level.sources.append(source)
        level.joined = [source]
        self._names.references.schemas.update(names[:-1])
        self._names.aliases.setdefault(source.name, []).append(source)
        self._index -= 1
        self._alias([source])
        self._index += 1
        if level.is_insert:
            self._names.references.inserted.add(source.name)
            self._inserted_columns(source.name)
        elif self._upper(self._index) == "(":  # The alias may give names to the columns.
            self._names.references.whole.add(source.name)

    def _alias(self, sources: Sequence[Source]) -> None:
        """Reads the alias that may follow; the index is that of the token before it."""
        shift = 2 if self._upper(self._index + 1) == "AS" else 1
        if self._is_name(self._index + shift):
            self._index += shift
            self._names.aliases.setdefault(plain_name(self._tokens[self._index]), []).extend(
                sources
            )

    def _inserted_columns(self, table: str) -> None:
        following = self._upper(self._index)
        if following == "(" and self._upper(self._index + 1) not in QUERIES:
            columns = self._names.references.columns.setdefault(table, set())
            while self._index < len(self._tokens) and self._upper(self._index) != ")":
                if self._is_name(self._index) or self._tokens[self._index].kind is Kind.WORD:
                    columns.add(plain_name(self._tokens[self._index]))
                self._index += 1
            self._names.is_all_whole |= UNKNOWN_NAME in columns
            self._index += 1
        elif following != "SET":
            self._names.references.whole.add(table)
