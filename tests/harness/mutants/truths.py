"""How mutations change the outcomes of a project's tests, found once and kept in a file."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.mutants.copies import Copies
from harness.mutants.file_mutations import mutations
from harness.mutants.full_run import Outcomes, changed_tests, run_fully
from harness.mutants.model import KINDS, Mutation
from harness.mutants.subjects import Subject

CPU_FACTOR: Final = 5
"""A run that takes so many times the processor time of the unchanged project hangs."""


@dataclass(frozen=True)
class Truth:
    """What a mutation does.

    Attributes:
        changed: The tests that end in another way, and how; None if the run did not reach its end.
    """

    key: str
    changed: dict[str, tuple[str, str]] | None


def sampled(
    subject: Subject, pristine: Path, count: int, seed: int, kinds: Iterable[str] = KINDS
) -> list[Mutation]:
    """So many mutations at random, spread evenly over the kinds, which take turns."""
    by_kind: dict[str, dict[str, Mutation]] = {kind: {} for kind in kinds}
    for mutation in mutations(subject.contents(pristine), subject.settings_path):
        if mutation.kind in by_kind:
            by_kind[mutation.kind][mutation.key] = mutation
    chosen = []
    for kind, candidates in by_kind.items():
        rng = random.Random(f"{seed} {subject.name} {kind}")
        # The order does not depend on how many are needed, so that what was found before counts.
        chosen.append(rng.sample(list(candidates.values()), len(candidates)))
    turns = range(max(map(len, chosen), default=0))
    in_turns = [picked[turn] for turn in turns for picked in chosen if turn < len(picked)]
    return in_turns[:count]


class Truths:
    """The truths of a project that are known, in a file to which more are added."""

    def __init__(self, subject: Subject, pristine: Path, python: Path, folder: Path) -> None:
        self.subject, self.pristine, self.python = subject, pristine, python
        self.folder = folder / subject.name
        self.folder.mkdir(parents=True, exist_ok=True)
        self._file = self.folder / "truths.jsonl"
        self.known: dict[str, Truth] = {}
        if self._file.exists():
            for line in self._file.read_text().splitlines():
                fields = json.loads(line)
                self.known[fields["key"]] = Truth(fields["key"], fields["changed"])

    def baseline(self) -> tuple[Outcomes, set[str], float]:
        """How the tests end without a mutation, those that don't always end so, and the time.

        Raises:
            RuntimeError: If a run did not reach its end.
        """
        file = self.folder / "baseline.json"
        if not file.exists():
            (home,) = Copies(self.pristine, self.folder / "baseline", 1).homes
            project = home / "project"
            runs = [run_fully(self.subject, project, self.python, home) for _ in range(2)]
            first, second = (run.outcomes for run in runs)
            if first is None or second is None:
                raise RuntimeError(f"{self.subject.name}:\n{runs[-1].output[-5000:]}")
            unsteady = sorted({*changed_tests(first, second), *changed_tests(second, first)})
            longest = max(run.seconds for run in runs)
            file.write_text(json.dumps([first, unsteady, longest]))
        outcomes, unsteady, seconds = json.loads(file.read_text())
        return {test: tuple(kinds) for test, kinds in outcomes.items()}, set(unsteady), seconds

    def find(self, chosen: Iterable[Mutation], processes: int) -> Iterator[tuple[Mutation, Truth]]:
        """The truths of mutations; those that are not known yet are found and kept."""
        missing = []
        for mutation in chosen:
            if mutation.key in self.known:
                yield mutation, self.known[mutation.key]
            else:
                missing.append(mutation)
        if not missing:
            return
        baseline, unsteady, seconds = self.baseline()
        limit = max(30, round(seconds * CPU_FACTOR))

        def truth(mutation: Mutation, home: Path) -> Truth:
            project = home / "project"
            run = run_fully(self.subject, project, self.python, home, cpu_seconds=limit)
            if run.outcomes is None:
                return Truth(mutation.key, None)
            changed = changed_tests(baseline, run.outcomes)
            return Truth(mutation.key, {t: how for t, how in changed.items() if t not in unsteady})

        copies = Copies(self.pristine, self.folder / "truths", processes)
        for mutation, result in copies.map(truth, missing):
            self.known[mutation.key] = result
            with self._file.open("a") as file:
                line = {"key": mutation.key, "changed": result.changed, "words": mutation.words}
                line |= {"path": mutation.path, "kind": mutation.kind}
                file.write(json.dumps(line) + "\n")
            yield mutation, result
