"""`clean` removes what dead runs left, and nothing of living runs or of other projects."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir

import docker
import pytest
from docker.models.containers import Container
from harness.projects import PROJECTS, environment, run

from ctest_containers.engine import labels

OUTCOMES = PROJECTS / "outcomes"


@pytest.fixture
def dead_owner() -> str:
    """The label of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        return labels.owner(process.pid)


@pytest.fixture
def containers(
    engine: docker.DockerClient, base: str, dead_owner: str
) -> Iterator[dict[str, Container]]:
    """Containers of a dead run, of a living one, of another project's dead run, of nobody."""
    mine = {labels.PROJECT: OUTCOMES.name}
    wanted = {
        "dead": {labels.OWNER: dead_owner, **mine},
        "living": {labels.OWNER: labels.owner(os.getpid()), **mine},
        "another project's": {labels.OWNER: dead_owner, labels.PROJECT: "another"},
        "nobody's": mine,
    }
    made = {name: engine.containers.create(base, labels=found) for name, found in wanted.items()}
    yield made
    left = {one.id for one in engine.containers.list(all=True, sparse=True)}
    for container in made.values():
        if container.id in left:
            container.remove(force=True, v=True)


def remaining(engine: docker.DockerClient, containers: dict[str, Container]) -> set[str]:
    """Which of the containers are still there."""
    there = {one.id for one in engine.containers.list(all=True, sparse=True)}
    return {name for name, container in containers.items() if container.id in there}


def test_a_dry_run_removes_nothing_and_says_what_would_be(
    engine: docker.DockerClient, containers: dict[str, Container], tmp_path: Path
) -> None:
    done = run(OUTCOMES, "clean", "--dry-run", env=environment(tmp_path))

    assert done.code == 0
    assert f"would remove container {containers['dead'].name}" in done.output
    assert remaining(engine, containers) == set(containers)


def test_only_what_dead_runs_of_this_project_left_is_removed(
    engine: docker.DockerClient, containers: dict[str, Container], tmp_path: Path
) -> None:
    done = run(OUTCOMES, "clean", env=environment(tmp_path))

    assert done.code == 0
    assert f"removed container {containers['dead'].name}" in done.output
    assert remaining(engine, containers) == {"living", "another project's", "nobody's"}


def test_an_image_whose_builder_died_before_naming_it_is_removed(
    engine: docker.DockerClient, base: str, dead_owner: str, tmp_path: Path
) -> None:
    made = {}
    for name, owner in (("dead", dead_owner), ("living", labels.owner(os.getpid()))):
        container = engine.containers.create(base)
        found = {labels.BUILDER: owner, labels.PROJECT: OUTCOMES.name}
        made[name] = engine.api.commit(str(container.id), conf={"Labels": found})["Id"]
        container.remove()

    run(OUTCOMES, "clean", env=environment(tmp_path))

    left = {str(image.id) for image in engine.images.list(all=True)}
    assert [name for name, image in made.items() if image in left] == ["living"]
    engine.images.remove(made["living"], force=True)


def test_the_dead_runs_of_every_project_are_removed_when_asked(
    engine: docker.DockerClient, containers: dict[str, Container], tmp_path: Path
) -> None:
    run(OUTCOMES, "clean", "--all", env=environment(tmp_path))

    assert remaining(engine, containers) == {"living", "nobody's"}


@pytest.mark.usefixtures("engine")
def test_the_folder_of_a_dead_run_is_removed_and_that_of_a_living_one_stays(
    dead_owner: str, tmp_path: Path
) -> None:
    folders = {name: Path(gettempdir()) / f"ctest-test-{name}" for name in ("dead", "living", "x")}
    for folder in folders.values():
        folder.mkdir()
    (folders["dead"] / "owner").write_text(dead_owner)
    (folders["living"] / "owner").write_text(labels.owner(os.getpid()))

    done = run(OUTCOMES, "clean", env=environment(tmp_path))

    assert f"removed folder {folders['dead']}" in done.output
    assert [name for name, folder in folders.items() if folder.exists()] == ["living", "x"]
    for name in ("living", "x"):
        for file in folders[name].iterdir():
            file.unlink()
        folders[name].rmdir()


def test_without_an_engine_the_rest_is_cleaned_all_the_same(tmp_path: Path) -> None:
    nowhere = {"DOCKER_HOST": "unix:///nonexistent/docker.sock"}

    done = run(OUTCOMES, "clean", env=environment(tmp_path, nowhere))

    assert done.code == 0
    assert "Containers are skipped." in done.output
