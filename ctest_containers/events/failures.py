"""Events of kept failures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureKept:
    """The databases of a failed test are kept as they were when it failed.

    Attributes:
        index: The test's index in the run; None for a fixture.
        name: The name of the kept failure, which `open` accepts.
        size_bytes: What it takes on disk.
        seconds: How long the test waited for it.
        notes: What is missing, as sentences.
    """

    worker: int
    index: int | None
    test_id: str
    name: str
    size_bytes: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureNotKept:
    """The databases of a failed test could not be kept; its outcome is not affected.

    Attributes:
        index: The test's index in the run; None for a fixture.
        reason: Why, as a sentence.
    """

    worker: int
    index: int | None
    test_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailuresKept:
    """The run has kept the databases of these tests, in the order in which they failed."""

    test_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureExported:
    """A kept failure has been written into a file of the folder that --keep-failed-dir names."""

    test_id: str
    file: str
    size_bytes: int
