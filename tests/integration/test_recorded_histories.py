"""Whatever is edited, a template has the rows of a fresh database, and none is built needlessly."""

from __future__ import annotations

import random
import re
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from harness.examples import few
from harness.programs import run_program
from harness.projects import environment, run
from harness.sources import EDITS, NEUTRAL_EDITS, Sources
from harness.tiers import further
from hypothesis import given
from hypothesis import strategies as st

Steps = Sequence[tuple[bool, int, int]]

STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(0, EDITS * NEUTRAL_EDITS - 1), st.integers(0, 1000)),
    min_size=10,
    max_size=10,
)
"""Edits: whether the migrations use what is edited, and two numbers that say what it is."""


def test_any_edit_ends_in_the_rows_of_a_fresh_database(tmp_path: Path) -> None:
    # As --randomly-seed wants it: the first example of hypothesis is always the same.
    steps = [
        (random.random() < 0.5, random.randrange(EDITS * NEUTRAL_EDITS), random.randrange(1000))
        for _ in range(10)
    ]

    check(tmp_path, steps)


@pytest.mark.timeout(1800)
@given(steps=STEPS)
@few(30)
@further("The test before does the same with fewer edits.")
def test_any_of_300_edits_ends_in_the_rows_of_a_fresh_database(
    tmp_path_factory: pytest.TempPathFactory, steps: Steps
) -> None:
    check(tmp_path_factory.getbasetemp(), steps)


def check(parent: Path, steps: Steps) -> None:
    """Build after each edit, and compare."""
    with tempfile.TemporaryDirectory(dir=parent) as place:
        project = Sources(Path(place) / "first" / "store")
        project.write()
        build(project, place)
        for is_used, kind, number in steps:
            if is_used:
                project.edit(kind % EDITS, number)
            else:
                project.edit_nothing(kind % NEUTRAL_EDITS, number)
            output, file = build(project, place)
            assert rows(file) == rows(fresh(project, place)), output
            assert is_used or "Using the template" in output, output


def build(project: Sources, place: str) -> tuple[str, Path]:
    """Make sure of the template; gives what was printed, and the database."""
    env = {**environment(Path(place) / "cache"), **project.variables}
    done = run(project.folder, "template", "build", "--settings", "settings", env=env)
    assert done.code == 0, done.output
    fingerprint = re.findall(r"(?:Using|Built) the template sqlite:(\w+)", done.output)[-1]
    (file,) = Path(place).glob(f"cache/**/{fingerprint}*/*.sqlite3")
    return done.output, file


def fresh(project: Sources, place: str) -> Path:
    """A database that Django has migrated just now."""
    file = Path(place) / "fresh.sqlite3"
    file.unlink(missing_ok=True)
    done = run_program(
        [sys.executable, "manage.py", "migrate", "-v", "0"],
        project.folder,
        {**environment(Path(place) / "cache"), **project.variables, "DATABASE": str(file)},
        stderr=subprocess.STDOUT,
        seconds=60,
    )
    assert done.returncode == 0, done.stdout
    return file


def rows(file: Path) -> list[tuple[int, str]]:
    """The items of a database."""
    with closing(sqlite3.connect(file)) as database:
        return database.execute("SELECT id, text FROM stock_item ORDER BY id").fetchall()
