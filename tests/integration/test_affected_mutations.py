"""No affected test is missed; `scripts/prove-affected` tries more projects and changes."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest
from harness.mutants.affected import Affected
from harness.mutants.graph_runs import missed_tests
from harness.mutants.model import Mutation
from harness.mutants.proof import verdicts
from harness.mutants.subjects import SUBJECTS
from harness.mutants.truths import Truths, sampled
from harness.mutants.value_graphs import ValueGraph, changed_graphs, value_graphs
from harness.projects import PROJECTS
from harness.tiers import further
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="Before Python 3.12, what tests use is recorded slowly."
)

SEED = 25
"""Always the same changes, so that a run fails for what has changed. Others each time: `--all`."""

MORE = [
    further("Changes that were missed once are tried always."),
    pytest.mark.timeout(1800),
]

(REACH,) = (subject for subject in SUBJECTS if subject.name == "reach")

FOUND = (
    "fixtures parts/data/notes.txt 1: `second` → `second1`",
    "migrations parts/migrations/0003_mutant.py new: parts.Maker gets a required column",
    "functions parts/palette.py 2: `\"red\"` → `'redx'`",
)
"""Changes whose effects were missed once: what a module reads when it is imported, rows that the
fixtures of a class insert, and a function that a migration calls."""


def named(mutations: list[Mutation]) -> dict[str, Mutation]:
    return {f"{mutation.kind} {mutation.path} {mutation.words}": mutation for mutation in mutations}


@pytest.mark.parametrize(("count", "is_new"), [(0, False), pytest.param(200, True, marks=MORE)])
@pytest.mark.usefixtures("sqlite_env")
def test_tests_whose_outcomes_a_change_affects_are_selected(
    count: int, tmp_path: Path, *, is_new: bool
) -> None:
    pristine, python = PROJECTS / "reach", Path(sys.executable)
    every = named(sampled(REACH, pristine, 100_000, SEED))
    number = random.getrandbits(32) if is_new else SEED
    chosen = [*sampled(REACH, pristine, count, number), *(every[name] for name in FOUND)]
    truths = Truths(REACH, pristine, python, tmp_path)

    tried = list(verdicts(truths, Affected(REACH, python), chosen, processes=2))

    assert [verdict for verdict in tried if verdict.is_missed] == []
    assert len(tried) == len({mutation.key for mutation in chosen})


@pytest.mark.parametrize(("projects", "is_new"), [(3, False), pytest.param(100, True, marks=MORE)])
@pytest.mark.usefixtures("sqlite_env")
def test_tests_of_generated_projects_are_selected(
    projects: int, tmp_path_factory: pytest.TempPathFactory, *, is_new: bool
) -> None:
    @seed(random.getrandbits(32) if is_new else SEED)
    @settings(max_examples=projects, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def check(data: st.DataObject) -> None:
        graph: ValueGraph = data.draw(value_graphs())
        changes = [data.draw(changed_graphs(graph)) for _ in range(4)]

        assert missed_tests(graph, changes, tmp_path_factory.mktemp("graph")) == [set()] * 4

    check()
