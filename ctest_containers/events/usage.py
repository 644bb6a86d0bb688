"""Events about what tests use."""

from __future__ import annotations

from dataclasses import dataclass

from ctest_containers.events.workers import FromWorker


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecorded(FromWorker):
    """A unit has ended, and this is what it has used; see `ctest_containers.usage.decoding`.

    Names are numbered in each process, and are sent with the first unit that uses them.

    Attributes:
        worker: The worker; 0 for the process from which workers are forked.
        unit: The name of the unit. If it occurs several times, the usage adds up.
        first: The number of the first of these names; 0 at the beginning of a process.
        names: The names that are new.
        used: The numbers of the names that were used; see `ctest_containers.usage.messages`.
        statements: For each SQL statement: the numbers of its alias and its text, how often it was
            sent, how long all of them took in microseconds, then the number of each place and how
            often it was sent from there.
    """

    worker: int
    unit: str
    first: int
    names: tuple[str, ...] = ()
    used: str = ""
    statements: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageUnrecorded(FromWorker):
    """What the tests of a worker use is not recorded.

    Attributes:
        reason: Why, as a sentence.
    """

    worker: int
    reason: str
