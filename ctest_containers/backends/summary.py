"""The summary of a database, with digests in place of definitions and values.

Two summaries say what differs between two databases, neither of which has to exist.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ctest_containers.backends.schema import TableRows

FORMAT: Final = 1
"""Changes whenever summaries of different versions cannot be compared."""

ANYTHING: Final = "*"
"""Stands for all tables."""

NO_ROWS: Final = TableRows(count=0)
"""What a view or a partition has: its rows are those of other tables."""

UNREAD: Final = -1
"""Stands for a number of rows that is too high to read them."""

COMPUTED: Final = "computed "
"""Precedes the digests of columns whose values the server may set when others are updated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A foreign key of a table.

    Attributes:
        cascades: See `SchemaObject`.
    """

    table: str
    columns: tuple[str, ...]
    cascades: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or a view.

    Attributes:
        definition: The digest of all that has no digest of its own.
        columns: The digests of its columns, in their order.
        parts: The digests of its indexes, constraints and so on, by kind and name.
        indexed: The columns of its indexes, by the same names; see `SchemaObject`.
        references: Its foreign keys.
        reads: The tables and functions that any statement with it may use, because it is a view or
            has partitions or policies; may be `ANYTHING`.
        fires: The tables and functions that changes of its rows may use, by triggers and so on; may
            be `ANYTHING`.
        rows: Digests of its rows; if they were too many to read, their count is `UNREAD`.
    """

    definition: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, str] = field(default_factory=dict)
    indexed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    reads: tuple[str, ...] = ()
    fires: tuple[str, ...] = ()
    rows: TableRows = NO_ROWS


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function or procedure.

    Attributes:
        uses: The tables and functions that it may use; may be `ANYTHING`.
        is_of_triggers: Whether only triggers can call it.
        is_implicit: Whether other objects than tables call it, such as operators.
    """

    definition: str
    uses: tuple[str, ...] = ()
    is_of_triggers: bool = False
    is_implicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaSummary:
    """What a database contains.

    Attributes:
        relations: Its tables and views, by their names without quotation marks.
        functions: Its functions; those of one name have one entry.
        others: The digests of other objects, by kind and name.
    """

    vendor: str
    relations: Mapping[str, Relation]
    functions: Mapping[str, Function]
    others: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data, equal to what is decoded from its text."""
        data: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, **asdict(self)}))
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SchemaSummary | None:
        """Return the summary from the result of `to_json`; None if it has another format."""
        if data.get("format") != FORMAT:
            return None
        try:
            return cls(
                vendor=data["vendor"],
                relations={name: _relation(facts) for name, facts in data["relations"].items()},
                functions={
                    name: Function(**{**facts, "uses": tuple(facts["uses"])})
                    for name, facts in data["functions"].items()
                },
                others=data["others"],
            )
        except (KeyError, TypeError, AttributeError):
            return None


def _relation(data: Mapping[str, Any]) -> Relation:
    rows = data["rows"]
    return Relation(
        definition=data["definition"],
        columns=data["columns"],
        parts=data["parts"],
        indexed={name: tuple(columns) for name, columns in data["indexed"].items()},
        references=tuple(
            Reference(
                table=reference["table"],
                columns=tuple(reference["columns"]),
                cascades=reference["cascades"],
            )
            for reference in data["references"]
        ),
        reads=tuple(data["reads"]),
        fires=tuple(data["fires"]),
        rows=TableRows(**{**rows, "key": tuple(rows["key"])}),
    )
