"""A build that goes on from a layer ends as a build from scratch: catalog, rows and their order."""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from harness.edited_histories import EditedHistory
from harness.projects import environment, run
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

STEPS = st.lists(st.tuples(*(st.integers(0, last) for last in (5, 1, 9))), min_size=3, max_size=6)
"""What is changed, in which app, and where."""


def build(project: Path, cache: Path, *options: str) -> str:
    env = environment(cache, {"DOCKER_HOST": "unix:///nonexistent"})
    done = run(project, "template", "build", "--settings", "settings", *options, env=env)
    assert done.code == 0, done.output
    return done.output


def contents(cache: Path, said: str) -> list[str]:
    """All that a template contains, as SQL, without the moments of migrations.

    Args:
        said: What the build has said, which names the template.
    """
    (name,) = re.findall(r"(?:Built|Using) the template sqlite:(\w+)", said)
    (file,) = cache.glob(f"**/{name}*/*.sqlite3")
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE django_migrations SET applied = ''")
        return [*database.iterdump()]


@pytest.mark.parametrize("has_receiver", [False, True], ids=["", "with a receiver"])
@given(steps=STEPS)
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow], phases=[Phase.generate])
def test_any_change_of_a_history_ends_in_the_rows_of_a_fresh_database(
    steps: Sequence[Sequence[int]], *, has_receiver: bool
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        history = EditedHistory(Path(folder) / "project", has_receiver)
        grown, fresh = Path(folder) / "grown", Path(folder) / "fresh"
        build(history.folder, grown)
        for step in steps:
            change = history.change(step)
            said = build(history.folder, grown)
            anew = build(history.folder, fresh, "--rebuild")

            assert "from scratch" not in said, (change, said)
            assert contents(grown, said) == contents(fresh, anew), change
