"""What selects tests for a mutation: the toolkit, and two that show what a proof finds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from harness.mutants.full_run import Outcomes
from harness.mutants.model import Mutation


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The tests that were selected.

    Attributes:
        has_failed: Whether a run of them did not succeed; None if there was no such run.
        tests: Their ids; None if nothing could be selected, as the project does not start.
        indirect: Those that were not selected, and end as without the mutation if they run alone.
        is_everything: Whether all tests were selected, whatever `tests` has.
        output: What was printed.
        seconds: How long it took.
    """

    tests: Collection[str] | None
    is_everything: bool = False
    has_failed: bool | None = None
    indirect: Collection[str] = ()
    output: str = ""
    seconds: float = 0


class Selector(Protocol):
    """Selects tests of a project."""

    name: str

    def prepare(self, home: Path) -> None:
        """Record the tests of the unchanged `project` in a folder."""

    def selected(self, home: Path, mutation: Mutation) -> Selection:
        """The tests that a mutation, which has been applied to the `project`, may affect."""

    def has_failed(self, home: Path) -> bool:
        """Whether a run of the tests that were just selected does not succeed."""


class Everything:
    """Selects all tests: never misses one."""

    name = "everything"

    def prepare(self, home: Path) -> None:
        """Nothing."""

    def selected(self, home: Path, mutation: Mutation) -> Selection:
        """All tests."""
        return Selection(tests=(), is_everything=True)

    def has_failed(self, home: Path) -> bool:
        """As a run of all tests."""
        return True


class SameFolder:
    """Selects the tests in the changed file's app: misses tests of code that uses another app."""

    name = "same-folder"

    def __init__(self, baseline: Outcomes) -> None:
        self._tests = frozenset(baseline)

    def prepare(self, home: Path) -> None:
        """Nothing."""

    def selected(self, home: Path, mutation: Mutation) -> Selection:
        """The tests whose names begin as the file's path does."""
        app = mutation.path.split("/")[0]
        return Selection(tests={test for test in self._tests if test.startswith(f"{app}.")})

    def has_failed(self, home: Path) -> bool:
        """Nothing runs."""
        return False
