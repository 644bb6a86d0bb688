"""Lets a copy of a data folder contain the rows that no transaction has committed yet.

PostgreSQL writes uncommitted rows into the same files as all others, and looks up in `pg_xact`
whether their transaction has committed: two bits for each transaction and savepoint. In a copy,
those of running transactions can be set. That neither asks nor disturbs the sessions they belong
to, and shows changes of the schema, too. See src/backend/access/transam/clog.c of PostgreSQL.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from ctest_containers.backends.keeping import InFlight
from ctest_containers.backends.postgresql.session import admin_cursor
from ctest_containers.model import Address

STATES: Final = "pg_xact/"
"""The files that say which transactions have committed."""

SEGMENT: Final = re.compile(r"pg_xact/([0-9A-F]{4})$")
PAGE_BYTES: Final = 8192
PER_BYTE: Final = 4
"""Transactions whose states are in one byte; the first has its lowest bits."""

PER_SEGMENT: Final = 32 * PAGE_BYTES * PER_BYTE
COMMITTED: Final = 1

ABORTED_SESSIONS: Final = (
    "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
    " AND state = 'idle in transaction (aborted)'"
)

RUNNING: Final = (
    "SELECT txid_snapshot_xmin(txid_current_snapshot())::text, current_setting('block_size')"
)

NEXT: Final = "SELECT next_xid FROM pg_control_checkpoint()"
"""The first transaction id that was not assigned at the checkpoint, after its epoch and a colon."""

ABORTED: Final = (
    "PostgreSQL had aborted a transaction because of an error, and had discarded the rows that it "
    "had written since its last savepoint."
)


@dataclass(frozen=True, slots=True)
class Commit:
    """Commits running transactions in a copy of a data folder.

    Attributes:
        first: The id of the oldest transaction that may be running.
        end: The id after that of the latest.
    """

    first: int
    end: int

    def __call__(self, path: str, content: bytes) -> bytes:
        """Return the contents of a file of the copy."""
        match = SEGMENT.match(path)
        if match is None:
            return content
        begin = int(match[1], 16) * PER_SEGMENT
        states = bytearray(content)
        for transaction in range(max(self.first, begin), min(self.end, begin + PER_SEGMENT)):
            place, shift = (transaction - begin) // PER_BYTE, (transaction - begin) % PER_BYTE * 2
            if place >= len(states):
                states.extend(bytes(PAGE_BYTES - len(states) % PAGE_BYTES))
            if states[place] >> shift & 3 == 0:
                states[place] |= COMMITTED << shift
        return bytes(states)


class PostgresqlKeeping:
    """See `Keeping`."""

    always_kept: tuple[str, ...] = (STATES,)

    def prepare_copy(self, address: Address, databases: Collection[str]) -> InFlight:
        """See `Keeping`."""
        del databases
        with admin_cursor(address) as cursor:
            cursor.execute(RUNNING)
            first, block_size = cursor.fetchone()
            cursor.execute(ABORTED_SESSIONS)
            (aborted,) = cursor.fetchone()
            cursor.execute("CHECKPOINT")
            cursor.execute(NEXT)
            (following,) = cursor.fetchone()
        notes = [ABORTED] if aborted else []
        if int(block_size) != PAGE_BYTES:
            notes.append(
                "Rows that were not committed are missing: the server's page size is not 8 KiB."
            )
            return InFlight(notes=tuple(notes))
        epoch, _, low = str(following).partition(":")
        end = (int(epoch) << 32) + int(low)
        if end >> 32 != int(first) >> 32:
            notes.append(
                "Rows that were not committed are missing: transaction IDs wrapped around."
            )
            return InFlight(notes=tuple(notes))
        return InFlight(edit=Commit(int(first) & 0xFFFFFFFF, end & 0xFFFFFFFF), notes=tuple(notes))
