"""The interface for noticing what is committed to a database, without its own connections."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol


@dataclass(frozen=True, slots=True)
class TableState:
    """The committed rows of a table.

    Attributes:
        count: How many there are.
        digest: Differs if the rows do, whatever their order; comparable with digests of the same
            observer only.
    """

    count: int
    digest: str


NO_ROWS: Final = TableState(0, "")


class Observer(Protocol):
    """Observes a database from a session of the toolkit's own.

    Whatever it cannot find out at the moment, because a lock is held or its session was ended,
    it finds out the next time.
    """

    def has_changed(self) -> bool:
        """Return whether anything was committed since the last call that may have changed rows.

        It may be wrong about a change, but never about its absence.

        Raises:
            ServerError: The server does not answer.
        """

    def survey(
        self, tables: Collection[str] | None = None, session: Any = None
    ) -> Mapping[str, TableState]:
        """Return the state of tables, without those that do not exist.

        Args:
            tables: Their names; None for all tables of the database.
            session: A driver's connection of the tests, which may be used if that is quicker than
                to open one; it is left as it was.

        Raises:
            ServerError: The server does not answer, or a lock is held.
        """

    def close(self) -> None:
        """End its session."""
