"""The part of the interface to a server that copies its files while it runs."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Protocol

from ctest_containers.model import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """What the files of a running server lack, because no transaction has committed it.

    Attributes:
        edit: Returns what a copy has for a file of `always_kept`, given its path and contents.
        lacks_rows: Whether a copy lacks rows that only a session which reads uncommitted rows sees.
        notes: What a reader of the copy must know, as sentences.
    """

    edit: Callable[[str, bytes], bytes] | None = None
    lacks_rows: bool = False
    notes: tuple[str, ...] = ()


class Keeping(Protocol):
    """Lets a copy of a server's files show its databases as the running transactions see them.

    Attributes:
        always_kept: What the paths in the data folder begin with that a copy contains in any case.
    """

    always_kept: tuple[str, ...]

    def prepare_copy(self, address: Address, databases: Collection[str]) -> InFlight:
        """Flush committed data to disk, and find out what a copy of the files would lack.

        Neither sessions nor their transactions notice anything.
        """
