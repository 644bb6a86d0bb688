"""What a statement refers to, once its aliases and CTEs are resolved."""

from __future__ import annotations

from dataclasses import dataclass, field

from ctest_containers.statements.tokens import MYSQL, SQLITE


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


@dataclass(frozen=True, slots=True)
class Source:
    """What a name in a FROM clause stands for; a subquery or a function if it has no name."""

    name: str = ""
    position: int = 0
    has_schema: bool = False
    is_written: bool = False


@dataclass(slots=True)
class Cte:
    """A query with a name, and the indices of the tokens between which the name stands for it."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class Level:
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
    sources: list[Source] = field(default_factory=list)
    joined: list[Source] = field(default_factory=list)
    ctes: list[Cte] = field(default_factory=list)
    body_of: Cte | None = None


@dataclass(slots=True)
class Names:
    """The names of a statement as they were read.

    Attributes:
        references: What needs no resolution.
        sources: The sources of all FROM clauses, and the targets of changes.
        starred: The sources of which `*` selects all columns.
        aliases: What each alias stands for; a table's name is one, too.
        qualified: Columns, each after its qualifier.
        ctes: All CTEs.
        is_all_whole: Whether all columns of all tables count.
    """

    references: References = field(default_factory=References)
    sources: list[Source] = field(default_factory=list)
    starred: list[Source] = field(default_factory=list)
    aliases: dict[str, list[Source]] = field(default_factory=dict)
    qualified: list[tuple[str, str]] = field(default_factory=list)
    ctes: list[Cte] = field(default_factory=list)
    is_all_whole: bool = False

    def resolved(self, vendor: str) -> References:
        """What the statement refers to."""
        references = self.references
        for source in self.sources:
            if table := self._table(source):
                (references.written if source.is_written else references.read).add(table)
        tables = references.tables
        if self.is_all_whole:
            references.whole |= tables
        references.whole.update(self._tables(self.starred))
        for qualifier, column in self.qualified:
            sources = self.aliases.get(qualifier, [])
            for table in self._tables(sources) if sources else tables:
                if column == "*":
                    references.whole.add(table)
                else:
                    references.columns.setdefault(table, set()).add(column)
        if vendor not in {MYSQL, SQLITE}:
            for name in references.free & self.aliases.keys():  # A row of the table.
                references.whole.update(self._tables(self.aliases[name]))
        references.whole &= tables
        return references

    def _tables(self, sources: list[Source]) -> set[str]:
        return {table for source in sources if (table := self._table(source))}

    def _table(self, source: Source) -> str:
        """The table that a source is; empty for a subquery or a CTE."""
        may_be_cte = not source.has_schema and not source.is_written
        if may_be_cte and any(
            cte.name == source.name and cte.start <= source.position <= cte.end for cte in self.ctes
        ):
            return ""
        return source.name
