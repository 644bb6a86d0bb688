"""Compares what is selected for mutations with the tests whose outcomes they change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path

from harness.mutants.copies import Copies
from harness.mutants.full_run import FIXTURE, Outcomes, run_fully
from harness.mutants.model import Mutation
from harness.mutants.selectors import Selection, Selector
from harness.mutants.table import Verdict
from harness.mutants.truths import Truth, Truths


def verdicts(
    truths: Truths, selector: Selector, chosen: Iterable[Mutation], processes: int
) -> Iterator[Verdict]:
    """The verdicts on mutations, which are kept in a file; those that are known come first."""
    file = truths.folder / f"verdicts-{selector.name}.jsonl"
    known = {}
    if file.exists():
        for line in file.read_text().splitlines():
            fields = json.loads(line)
            known[fields["key"]] = Verdict(**fields)
    wanted = {}
    for mutation, truth in truths.find(chosen, processes):
        if mutation.key in known:
            yield known[mutation.key]
        else:
            wanted[mutation.key] = (mutation, truth)
    if not wanted:
        return
    baseline, _, _ = truths.baseline()
    copies = Copies(truths.pristine, truths.folder / selector.name, processes)
    copies.prepare(selector.prepare)
    mutations = [mutation for mutation, _ in wanted.values()]

    def select(mutation: Mutation, home: Path) -> Selection:
        selection = selector.selected(home, mutation)
        _, truth = wanted[mutation.key]
        if truth.changed is None and selection.tests is not None and not selection.is_everything:
            # What stops a run of all tests must not go unnoticed if only some of them run.
            return replace(selection, has_failed=selector.has_failed(home))
        if selection.is_everything or selection.tests is None:
            return selection
        missed = sorted({*(truth.changed or ())}.difference(selection.tests))
        return replace(selection, indirect=indirect(missed, home))

    def indirect(missed: list[str], home: Path) -> list[str]:
        """Those that fail at random, or because of what another test has left."""
        if not missed:
            return []
        alone = replace(truths.subject, labels=missed)
        run = run_fully(alone, home / "project", truths.python, home)
        ended = run.outcomes or {}
        return [test for test in missed if test in ended and ended[test] == baseline.get(test)]

    for mutation, selection in copies.map(select, mutations):
        _, truth = wanted[mutation.key]
        verdict = verdict_on(truths.subject.name, mutation, truth, selection, baseline)
        with file.open("a") as lines:
            lines.write(json.dumps(asdict(verdict)) + "\n")
        yield verdict


def verdict_on(
    project: str, mutation: Mutation, truth: Truth, selection: Selection, baseline: Outcomes
) -> Verdict:
    """The verdict on what was selected for a mutation."""
    share, missed, error = None, [], ""
    if selection.tests is None:
        error = selection.output[-2000:]
    elif selection.is_everything:
        share = 1.0
    else:
        tests = {test for test in baseline if not FIXTURE.match(test)}
        share = len(tests.intersection(selection.tests)) / max(1, len(tests))
        missed = sorted({*(truth.changed or ())}.difference(selection.tests, selection.indirect))
    return Verdict(
        project=project,
        kind=mutation.kind,
        key=mutation.key,
        path=mutation.path,
        words=mutation.words,
        changed=truth.changed,
        share=share,
        missed=missed,
        indirect=sorted(selection.indirect),
        error=error,
        stops=selection.has_failed,
        seconds=round(selection.seconds, 2),
    )
