"""The table of a proof: for each project and kind, how many mutations, and what was missed."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from harness.mutants.model import KINDS


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a mutation did, and what was selected for it.

    Attributes:
        key: The mutation's.
        changed: The tests that end in another way than without it, and how; None if the run of all
            tests did not reach its end.
        share: The selected tests' share of all tests; None if the selection failed.
        missed: Those of the changed tests that were not selected, without `indirect`.
        indirect: See `Selection`.
        error: Why the selection failed.
        stops: Whether a run of the selected tests does not succeed, where that is in question.
        seconds: How long the selection took.
    """

    project: str
    kind: str
    key: str
    path: str
    words: str
    changed: dict[str, tuple[str, str]] | None
    share: float | None
    missed: list[str]
    indirect: Sequence[str] = ()
    error: str = ""
    stops: bool | None = None
    seconds: float = 0

    @property
    def is_missed(self) -> bool:
        """Whether a run of the selected tests would not have shown that something is wrong.

        Where a run of all tests cannot reach its end, one of the selected tests must not succeed.
        """
        if self.changed is None:
            return self.stops is False
        return bool(self.missed) or self.share is None


def table(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """The lines of the table, in Markdown."""
    known = list(verdicts)
    yield (
        "| Project | Kind | Mutations | Change outcomes | Stop the run | Missed | Indirect "
        "| Selected: median | mean |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for project in dict.fromkeys(verdict.project for verdict in known):
        of_project = [verdict for verdict in known if verdict.project == project]
        for kind in KINDS:
            if of_kind := [verdict for verdict in of_project if verdict.kind == kind]:
                yield _line(project, kind, of_kind)
        first_five = [verdict for verdict in of_project if verdict.kind in KINDS[:5]]
        if 0 < len(first_five) < len(of_project):
            yield _line(project, "the first five", first_five)
        yield _line(project, "all", of_project)


def _line(project: str, kind: str, verdicts: list[Verdict]) -> str:
    # What stops a run says nothing about the share.
    whole = [verdict for verdict in verdicts if verdict.changed is not None]
    shares = [verdict.share for verdict in whole if verdict.share is not None]
    median = f"{statistics.median(shares):.1%}" if shares else "-"
    mean = f"{statistics.mean(shares):.1%}" if shares else "-"
    killed = sum(bool(verdict.changed) for verdict in verdicts)
    missed = sum(verdict.is_missed for verdict in verdicts)
    indirect = sum(bool(verdict.indirect) for verdict in verdicts)
    return (
        f"| {project} | {kind} | {len(verdicts)} | {killed} | {len(verdicts) - len(whole)} "
        f"| {missed} | {indirect} | {median} | {mean} |"
    )
