"""Proves that no affected test is missed; scripts/prove-affected says how."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from textwrap import indent
from typing import Final

from harness.mutants.affected import Affected
from harness.mutants.full_run import Outcomes
from harness.mutants.model import KINDS
from harness.mutants.proof import verdicts
from harness.mutants.selectors import Everything, SameFolder, Selector
from harness.mutants.subjects import SUBJECTS, Subject, prepared
from harness.mutants.table import Verdict, table
from harness.mutants.truths import Truths, sampled

SELECTORS: Final[Mapping[str, Callable[[Subject, Path, Outcomes], Selector]]] = {
    "affected": lambda subject, python, _: Affected(subject, python),
    "everything": lambda *_: Everything(),
    "same-folder": lambda _subject, _python, baseline: SameFolder(baseline),
}


def main(arguments: list[str]) -> int:
    """Print each miss and the table; give 0 if no test was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, required=True, help="keeps what was found before")
    parser.add_argument("--count", type=int, default=100, help="mutations, spread over kinds")
    parser.add_argument("--seed", type=int, default=25)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--kind", action="append", choices=KINDS)
    parser.add_argument("--selector", choices=SELECTORS, default="affected")
    parser.add_argument("--only-known", action="store_true", help="no further runs of all tests")
    parser.add_argument("--truths", action="store_true", help="only run all tests")
    parser.add_argument("--json", type=Path)
    parser.add_argument("projects", nargs="*")
    options = parser.parse_args(arguments)
    collected: list[Verdict] = []
    for subject in SUBJECTS:
        if options.projects and subject.name not in options.projects:
            continue
        pristine, python = prepared(subject, options.folder)
        truths = Truths(subject, pristine, python, options.folder)
        chosen = sampled(subject, pristine, options.count, options.seed, options.kind or KINDS)
        if options.only_known:
            chosen = [mutation for mutation in chosen if mutation.key in truths.known]
        if options.truths:
            for mutation, truth in truths.find(chosen, options.processes):
                state = "stops" if truth.changed is None else len(truth.changed)
                print(subject.name, mutation.path, mutation.words, state, sep=" | ", flush=True)
            continue
        baseline, _, _ = truths.baseline()
        selector = SELECTORS[options.selector](subject, python, baseline)
        for verdict in verdicts(truths, selector, chosen, options.processes):
            collected.append(verdict)
            if verdict.is_missed:
                print(f"missed: {verdict.project}: {verdict.path} {verdict.words}", flush=True)
                for test in verdict.missed[:3]:
                    print(f"    {test}: {(verdict.changed or {})[test]}", flush=True)
                if verdict.error:
                    print(indent(verdict.error, "    "), flush=True)
    print("\n".join(table(collected)))
    if options.json:
        options.json.write_text(json.dumps([asdict(verdict) for verdict in collected], indent=1))
    return int(any(verdict.is_missed for verdict in collected))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
