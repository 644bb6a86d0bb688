"""A build that goes on from a layer ends as a build from scratch: catalog, rows and their order."""

from __future__ import annotations

import random
import re
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from harness.edited_histories import EditedHistory
from harness.examples import few
from harness.histories import KEEP_THE_LAST_LAYER
from harness.projects import Finished, environment, finish, run
from harness.servers import Plain
from harness.tiers import further
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.template.layers import MAX_DEPTH

Steps = Sequence[Sequence[int]]

LAST = (6, 1, 9)
"""The largest numbers that say what is changed, in which app, and where."""

STEPS = st.lists(st.tuples(*(st.integers(0, last) for last in LAST)), min_size=3, max_size=6)


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


@pytest.mark.parametrize("has_receiver", [False, True])
def test_any_change_of_a_history_ends_in_the_rows_of_a_fresh_database(
    tmp_path: Path, *, has_receiver: bool
) -> None:
    # As --randomly-seed wants it: the first example of hypothesis is always the same.
    steps = [[random.randint(0, last) for last in LAST] for _ in range(4)]

    check(tmp_path, steps, has_receiver=has_receiver)


def test_a_long_chain_of_builds_ends_in_the_rows_of_a_fresh_database(tmp_path: Path) -> None:
    # Each adds a migration to the app that comes last, so each resumes from the build before.
    check(tmp_path, [(0, 1, 2)] * (MAX_DEPTH + 1), has_receiver=True)


def test_a_layer_has_its_migrations_in_the_order_of_a_full_build(tmp_path: Path) -> None:
    # The layer of the last step but one has migrations that were added before later ones.
    check(tmp_path, [(4, 1, 4), (0, 1, 5), (4, 0, 3), (4, 0, 3), (2, 1, 4)], has_receiver=False)


def test_a_migration_that_changes_the_order_of_earlier_ones_ends_in_the_rows_of_a_full_build(
    tmp_path: Path,
) -> None:
    # The last one depends on the other app, so a full build applies that app's migrations earlier.
    check(tmp_path, [(4, 0, 1), (4, 1, 9), (4, 0, 9), (5, 0, 0)], has_receiver=False)


BROKEN = """
from django.db import migrations

def broken(apps, schema_editor):
    raise LookupError("no such country")

class Migration(migrations.Migration):
    dependencies = [("library", "0003_book")]
    operations = [migrations.RunPython(broken)]
"""


def test_a_migration_that_fails_is_shown_once(project: Path, sqlite_env: dict[str, str]) -> None:
    with (project / "outcomes" / "settings.py").open("a") as settings:
        settings.write(KEEP_THE_LAST_LAYER)
    run(project, "template", "build", env=sqlite_env)
    (project / "library" / "migrations" / "0004_broken.py").write_text(BROKEN)

    done = run(project, "template", "build", env=sqlite_env)

    assert done.code == 2
    assert "resuming from an earlier build failed. LookupError: no such country" in done.output
    assert done.output.count("Traceback") == 1


@pytest.mark.timeout(1800)
@given(steps=STEPS, has_receiver=st.booleans())
@few(70)
@further("The test before does the same with fewer changes.")
def test_any_of_300_changes_ends_in_the_rows_of_a_fresh_database(
    tmp_path_factory: pytest.TempPathFactory, steps: Steps, *, has_receiver: bool
) -> None:
    check(tmp_path_factory.getbasetemp(), steps, has_receiver=has_receiver)


def check(parent: Path, steps: Steps, *, has_receiver: bool) -> None:
    """Build after each change, and compare."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        history = EditedHistory(Path(folder) / "project", has_receiver)
        grown, fresh = Path(folder) / "grown", Path(folder) / "fresh"
        build(history.folder, grown)
        for step in steps:
            change = history.change(step)
            said = build(history.folder, grown)
            anew = build(history.folder, fresh, "--rebuild")

            assert "from scratch" not in said, (change, said)
            assert contents(grown, said) == contents(fresh, anew), change


CHANGES = [
    # A note in the first app, which no later migration reads or writes.
    ((6, 0, 0), "incrementally (1 new migration: base.0002_step; 16 of 17 are already applied)"),
    ((0, 1, 0), "incrementally (1 new migration: later.0003_step; 17 of 18 are already applied)"),
    # What it logs is counted by the one before.
    ((0, 0, 0), "base.0004_step must be applied before later.0003_step"),
    ((1, 0, 0), "incrementally (edited: base.0001_log; 12 of 19 are already applied)"),
    ((3, 0, 0), "incrementally ("),
]
"""What is changed, and what is said then on PostgreSQL."""

SHOW_ROWS = (sys.executable, "rows.py")

SERVERS = [
    ("postgresql", "", 3),
    pytest.param("postgresql", "", 5, marks=further("The same, with two changes more.")),
    pytest.param("mysql", "mariadb", 5, marks=further("PostgreSQL has the same, and late ones.")),
    pytest.param("mysql", "mysql", 5, marks=further("PostgreSQL has the same, and late ones.")),
]
"""Servers, and how many of the changes are tried there."""


@pytest.mark.parametrize(("vendor", "image", "changes"), SERVERS)
@pytest.mark.usefixtures("no_container_is_left")
def test_a_server_goes_on_as_from_its_first_start(
    vendor: str, image: str, changes: int, tmp_path: Path, project_name: str, plain: Plain
) -> None:
    history = EditedHistory(tmp_path / "project", has_receiver=True)
    chosen = {"HISTORY_DB": vendor, "CTEST_CONTAINERS_MYSQL_IMAGE": image}
    env = environment(tmp_path / "cache", chosen)
    options = ("--settings", "settings", "--project", project_name)
    run(history.folder, "template", "build", *options, env=env)

    for step, expected in CHANGES[:changes]:
        change = history.change(step)
        said = run(history.folder, "template", "build", *options, env=env).output
        ours = run(history.folder, "exec", *options, "--", *SHOW_ROWS, env=env)
        theirs = finish(SHOW_ROWS, history.folder, {**env, **plain(image or vendor)})

        assert "Built the template" in said, said
        assert vendor != "postgresql" or expected in said, (change, said)
        assert rows_of(ours) == rows_of(theirs), change


def rows_of(shown: Finished) -> list[str]:
    assert shown.code == 0, shown.output
    rows = [line for line in shown.output.splitlines() if line.startswith("row ")]
    assert rows
    return rows
