"""A template that grew out of an earlier one is the one that a full build would have made."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import docker
import pytest
from harness.containers import remove_images
from harness.examples import few
from harness.histories import History
from harness.projects import environment, run
from harness.tiers import further
from hypothesis import example, given
from hypothesis import strategies as st

STEPS = st.lists(
    st.tuples(*(st.integers(0, last) for last in (1, 6, 3, 3))), min_size=2, max_size=8
)
"""Which app, which operation, on which table, and which column."""


def build(project: Path, env: Mapping[str, str], name: str) -> str:
    """What a build says; the project's name decides which earlier templates there are."""
    done = run(project, "template", "build", "--project", name, env=env)
    assert done.code == 0, done.output
    return done.output


def digest(project: Path, env: Mapping[str, str], name: str) -> str:
    """The digest of the catalog of the template that was used last."""
    done = run(project, "template", "list", "--json", "--project", name, env=env)
    kept = json.loads(done.output[done.output.index("[") :])
    templates = [one for one in kept if not one["fingerprint"].startswith("layer-")]
    return str(max(templates, key=lambda one: one["used"])["catalog"])


def grow(
    project: Path, steps: Sequence[tuple[int, ...]], before: int, env: Mapping[str, str]
) -> None:
    """Build a history's beginning, then the rest on top of it, and compare with a full build."""
    history = History(project)
    for step in steps[:before]:
        history.add(step)
    build(project, env, "grown")
    new = [history.add(step) for step in steps[before:]]

    grown, full = build(project, env, "grown"), build(project, env, "made-anew")

    assert "incrementally" in grown, grown
    assert f"({len(new)} new migration" in grown
    assert "from scratch" in full
    assert digest(project, env, "grown") == digest(project, env, "made-anew")


@given(steps=STEPS, share=st.floats(0.0, 1.0))
@example(steps=[(0, 0, 0, 0), (0, 1, 0, 0), (0, 4, 0, 0), (0, 2, 0, 0)], share=0.5)
@few(3)
def test_any_history_on_sqlite_ends_in_the_same_catalog(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, ...]], share: float
) -> None:
    check(tmp_path_factory.getbasetemp(), steps, share)


@given(steps=STEPS, share=st.floats(0.0, 1.0))
@few(20)
@further("The test before tries fewer histories.")
def test_any_of_many_histories_on_sqlite_ends_in_the_same_catalog(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, ...]], share: float
) -> None:
    check(tmp_path_factory.getbasetemp(), steps, share)


def check(parent: Path, steps: list[tuple[int, ...]], share: float) -> None:
    """Build the beginning of a history, then the rest on top of it."""
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        env = environment(Path(folder) / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
        before = max(1, min(len(steps) - 1, round(share * len(steps))))

        grow(Path(folder) / "project", steps, before, env)


AS_WELL = further("test_layers and test_kept_state grow templates on each kind of server.")


@pytest.mark.parametrize(
    ("vendor", "mysql_image"),
    [
        pytest.param("postgresql", "", marks=AS_WELL),
        pytest.param("mysql", "mariadb", marks=AS_WELL),
        pytest.param("mysql", "mysql", marks=AS_WELL),
    ],
)
def test_a_history_on_a_server_ends_in_the_same_catalog(
    vendor: str, mysql_image: str, engine: docker.DockerClient, tmp_path: Path
) -> None:
    steps = [
        *((0, 0, 0, 1), (0, 1, 0, 0), (1, 0, 0, 1), (0, 1, 0, 1), (1, 1, 0, 2), (0, 4, 0, 0)),
        *((0, 3, 0, 1), (0, 6, 0, 0), (1, 2, 0, 0), (1, 1, 0, 3), (0, 0, 0, 1), (0, 1, 1, 0)),
    ]
    chosen = {"HISTORY_DB": vendor, "CTEST_CONTAINERS_MYSQL_IMAGE": mysql_image}
    env = environment(tmp_path / "cache", chosen)

    try:
        grow(tmp_path / "project", steps, 7, env)
    finally:
        for project in ("grown", "made-anew"):
            remove_images(engine, project)


def test_going_back_and_forth_between_branches_builds_nothing_twice(tmp_path: Path) -> None:
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    project = tmp_path / "project"
    history = History(project)
    history.add((0, 0, 0, 1))
    on_main = build(project, env, "branches")
    app, _, name = history.add((0, 1, 0, 0)).partition(".")
    migration = project / app / "migrations" / f"{name}.py"
    on_branch = build(project, env, "branches")
    text = migration.read_text()

    migration.unlink()
    back = build(project, env, "branches")
    migration.write_text(text)
    forth = build(project, env, "branches")

    assert "from scratch" in on_main
    assert "incrementally" in on_branch
    assert "Using the template" in back
    assert "Using the template" in forth


def test_no_template_comes_from_more_than_five_earlier_builds(tmp_path: Path) -> None:
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    project = tmp_path / "project"
    history = History(project)
    said = []
    for _ in range(8):
        history.add((0, 0, 0, 1))
        said.append("incrementally" in build(project, env, "chain"))

    done = run(project, "template", "list", "--json", "--project", "chain", env=env)
    depths = [one["depth"] for one in json.loads(done.output[done.output.index("[") :])]
    assert said == [False, *[True] * 7]
    assert max(depths) == 5


@pytest.mark.parametrize("vendor", ["sqlite3", "postgresql"])
def test_an_incremental_build_that_fails_is_followed_by_a_full_one(
    vendor: str, tmp_path: Path, project_name: str
) -> None:
    """A data migration may rely on what an earlier one left in memory, of all things."""
    env = environment(tmp_path / "cache", {"HISTORY_DB": vendor})
    project = tmp_path / "project"
    history = History(project)
    history.add((0, 0, 0, 1))
    remember(project / "first" / "migrations" / "0001_step.py", "setattr(migrations, 'was', 1)")
    build(project, env, project_name)
    app, _, name = history.add((0, 1, 0, 0)).partition(".")
    remember(project / app / "migrations" / f"{name}.py", "migrations.was")

    said = build(project, env, project_name)

    assert "incrementally" in said
    assert "from scratch (resuming from an earlier build failed" in said
    assert "Built the template" in said


def remember(migration: Path, expression: str) -> None:
    """Let a migration do something when it makes a model, which is no operation with data."""
    class_ = (
        "class Odd(migrations.CreateModel):\n"
        "    def database_forwards(self, *args, **kwargs):\n"
        f"        {expression}\n"
        "        super().database_forwards(*args, **kwargs)\n"
        "Odd.__module__ = 'django.db.migrations'\n\n"
    )
    extra = f"Odd('Odd{migration.stem[:4]}', [('id', models.BigAutoField(primary_key=True))]), "
    text = migration.read_text().replace("class Migration", class_ + "class Migration")
    migration.write_text(text.replace("operations = [", f"operations = [{extra}"))


def test_a_new_migration_that_cannot_be_loaded_is_shown_as_django_shows_it(tmp_path: Path) -> None:
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    project = tmp_path / "project"
    history = History(project)
    history.add((0, 0, 0, 1))
    build(project, env, "broken")
    app, _, name = history.add((0, 1, 0, 0)).partition(".")
    migration = project / app / "migrations" / f"{name}.py"
    migration.write_text(migration.read_text().replace("0001_step", "0001_stpe"))

    done = run(project, "template", "build", "--project", "broken", env=env)

    assert done.code == 2
    assert "from scratch (the migrations cannot be loaded: " in done.output
    assert "NodeNotFoundError" in done.output
    assert "could not be created and migrated" in done.output
