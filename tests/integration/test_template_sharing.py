"""Templates travel through a registry or as a file, and are looked into when they arrive."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import docker
import pytest
from harness.containers import remove_images
from harness.engines import answer, way_to_the_engine
from harness.projects import environment, run
from harness.registry import PASSWORD, Registry, running_registry
from harness.tampering import WRONG_LABEL, change_database, rebuild_with, template_of

TEST = "library.test_outcomes.Writing"
MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("library", "LAST")]
    operations = [migrations.AddField("author", "age", models.IntegerField(null=True))]
"""


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def repository(registry: Registry) -> str:
    """One for all tests: it has the layers of the base image from the first push on."""
    return registry.repository("acme/templates")


@pytest.fixture
def witness(tmp_path: Path) -> Path:
    return tmp_path / "witness"


@pytest.fixture
def env(registry: Registry, tmp_path: Path) -> dict[str, str]:
    extra = {
        "OUTCOMES_DB": "postgresql",
        "OUTCOMES_DB_PORT": "1",
        "DOCKER_CONFIG": str(registry.login),
    }
    return environment(tmp_path / "cache", extra)


@pytest.fixture
def witnessed_env(env: dict[str, str], witness: Path) -> dict[str, str]:
    """Each migration of the project leaves a line in the witness."""
    return {**env, "OUTCOMES_MIGRATION_WITNESS": str(witness)}


def add_migration(project: Path) -> None:
    folder = project / "library" / "migrations"
    last = max(file.stem for file in folder.glob("0*.py"))
    (folder / "0099_age.py").write_text(MIGRATION.replace("LAST", last))


@pytest.mark.usefixtures("no_container_is_left")
def test_what_one_machine_has_built_another_pulls_and_migrates_nothing(
    project: Path,
    project_name: str,
    repository: str,
    registry: Registry,
    witnessed_env: dict[str, str],
    witness: Path,
    engine: docker.DockerClient,
) -> None:
    options = [TEST, "--project", project_name, "--registry", repository]

    first = run(project, *options, "--push", env=witnessed_env)
    remove_images(engine, project_name)
    second = run(project, *options, env=witnessed_env)

    assert (first.code, second.code) == (0, 0), first.output + second.output
    assert "Pushed the template" in first.output
    assert "Pulled the template" in second.output
    assert "Building the template" not in second.output
    assert witness.read_text() == "migrated\n"
    tags = [one for one in registry.tags("acme/templates") if one.startswith(project_name)]
    assert len(tags) == 1
    names = [tag for image in engine.images.list() for tag in image.tags]
    assert not [name for name in names if registry.address in name]
    assert PASSWORD not in first.output + second.output


@pytest.mark.usefixtures("no_container_is_left")
def test_machines_of_another_architecture_have_templates_of_their_own(
    project: Path,
    project_name: str,
    repository: str,
    registry: Registry,
    env: dict[str, str],
    engine: docker.DockerClient,
    short_folder: Path,
) -> None:
    options = [TEST, "--project", project_name, "--registry", repository, "--push"]
    other = json.dumps({**engine.version(), "Arch": "riscv64"})

    def pretend(_method: str, path: str) -> bytes | None:
        return answer(other) if path.endswith("/version") else None

    with way_to_the_engine(short_folder, pretend) as address:
        run(project, *options, env={**env, "DOCKER_HOST": address})
    remove_images(engine, project_name)
    done = run(project, *options, env=env)

    assert "Pulled the template" not in done.output
    assert "Pushed the template" in done.output
    tags = [one for one in registry.tags("acme/templates") if one.startswith(project_name)]
    own = engine.version()["Arch"]
    assert {tag.rpartition("-")[2] for tag in tags} == {own, "riscv64"}
    assert len({tag.rpartition("-")[0] for tag in tags}) == 1


@pytest.mark.usefixtures("no_container_is_left")
def test_only_the_layers_that_the_registry_lacks_travel(
    project: Path, project_name: str, repository: str, env: dict[str, str]
) -> None:
    options = ["--project", project_name, "--registry", repository, "--push"]
    run(project, "template", "build", *options, env=env)
    add_migration(project)

    grown = run(project, "template", "build", *options, env=env)

    assert "incrementally" in grown.output
    assert re.search(r"\(1 layer transferred, [3-9] already there\)", grown.output), grown.output


@pytest.mark.usefixtures("no_container_is_left", "has_template")
def test_a_template_that_is_not_what_it_says_is_not_taken_from_a_registry(
    project: Path,
    project_name: str,
    repository: str,
    env: dict[str, str],
    engine: docker.DockerClient,
) -> None:
    options = ["--project", project_name, "--registry", repository]
    rebuild_with(engine, project_name, WRONG_LABEL)
    pushed = run(project, "template", "push", *options, env=env)
    remove_images(engine, project_name)

    by_hand = run(project, "template", "pull", *options, env=env)
    built = run(project, TEST, *options, env=env)

    assert pushed.code == 0, pushed.output
    assert by_hand.code == 1
    assert "Rejected: " in by_hand.output
    assert built.code == 0
    assert "catalogs differ from the recorded" in built.output
    assert "Built the template" in built.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_registry_that_refuses_or_does_not_answer_is_told_and_is_no_end(
    project: Path, project_name: str, repository: str, env: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "no-login").mkdir()
    stranger = {**env, "DOCKER_CONFIG": str(tmp_path / "no-login")}
    options = [TEST, "--project", project_name]

    refused = run(project, *options, "--registry", repository, "--push", env=stranger)
    by_hand = run(
        project, "template", "push", *options, "--registry", "127.0.0.1:1/templates", env=env
    )

    assert refused.code == 0
    assert "The registry reported an error while pulling" in refused.output
    assert "The registry reported an error while pushing" in refused.output
    assert by_hand.code == 2
    assert "docker login" in by_hand.output


@pytest.mark.usefixtures("no_container_is_left")
def test_today_s_templates_are_pushed_and_pulled_by_hand(
    project: Path,
    project_name: str,
    repository: str,
    env: dict[str, str],
    engine: docker.DockerClient,
    request: pytest.FixtureRequest,
) -> None:
    options = ["--project", project_name, "--registry", repository]

    too_early = run(project, "template", "push", *options, env=env)
    request.getfixturevalue("has_template")
    not_there = run(project, "template", "pull", *options, env=env)
    pushed = run(project, "template", "push", *options, env=env)
    remove_images(engine, project_name)
    pulled = run(project, "template", "pull", *options, env=env)
    explained = run(project, "template", "explain", "--project", project_name, env=env)

    assert (too_early.code, "does not exist yet" in too_early.output) == (1, True)
    assert "It is already here." in not_there.output
    assert (pushed.code, pulled.code) == (0, 0), pushed.output + pulled.output
    assert "Pulled: " in pulled.output
    assert "hit: built" in explained.output


def test_pushing_needs_a_registry(project: Path, sqlite_env: dict[str, str]) -> None:
    done = run(project, TEST, "--push", env=sqlite_env)

    assert done.code == 2
    assert "The option push is set, but the option registry is not." in done.output


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("no_container_is_left")
def test_templates_are_saved_in_a_file_and_loaded_from_it(
    vendor: str,
    project: Path,
    project_name: str,
    witnessed_env: dict[str, str],
    tmp_path: Path,
    engine: docker.DockerClient,
    witness: Path,
) -> None:
    env = {**witnessed_env, "OUTCOMES_DB": vendor}
    file = tmp_path / "templates.tar"
    options = ["--project", project_name]
    run(project, "template", "build", *options, env=env)

    saved = run(project, "template", "save", str(file), *options, env=env)
    remove_images(engine, project_name)
    other = {**env, "XDG_CACHE_HOME": str(tmp_path / "another machine's")}
    loaded = run(project, "template", "load", str(file), env=other)
    used = run(project, TEST, *options, env=other)

    assert (saved.code, loaded.code, used.code) == (0, 0, 0), saved.output + loaded.output
    assert f"loaded {project_name}/{vendor}:" in loaded.output
    assert "Using the template" in used.output
    assert witness.read_text() == "migrated\n"
    assert [one.name for one in tmp_path.glob(".saving-*")] == []


def test_a_template_is_saved_only_when_it_exists(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path, project_name: str
) -> None:
    file = tmp_path / "templates.tar"

    done = run(project, "template", "save", str(file), "--project", project_name, env=sqlite_env)

    assert done.code == 2
    assert "The template for sqlite does not exist yet." in done.output
    assert not file.exists()


@pytest.mark.parametrize("content", [b"", b"no archive", "an archive without contents"])
def test_a_file_of_another_kind_is_refused(
    content: bytes | str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "templates.tar"
    if isinstance(content, str):
        with tarfile.open(file, "w") as archive:
            archive.add(__file__, content)
    else:
        file.write_bytes(content)

    done = run(project, "template", "load", str(file), env=sqlite_env)

    assert done.code == 2
    assert "is not a readable file of templates" in done.output
    assert "template save FILE" in done.output


@pytest.mark.usefixtures("no_container_is_left", "has_template")
def test_a_file_that_would_name_images_is_refused_before_it_reaches_the_engine(
    project: Path,
    project_name: str,
    env: dict[str, str],
    tmp_path: Path,
    engine: docker.DockerClient,
    base: str,
) -> None:
    file, forged = tmp_path / "templates.tar", tmp_path / "forged.tar"
    run(project, "template", "save", str(file), "--project", project_name, env=env)
    with tarfile.open(file) as saved, tarfile.open(forged, "w") as archive:
        contents = saved.extractfile("templates.json")
        image = io.BytesIO(b"".join(engine.images.get(base).save(named=base)))
        entry = tarfile.TarInfo("0")
        entry.size = len(image.getvalue())
        archive.addfile(entry, image)
        archive.addfile(saved.getmember("templates.json"), contents)

    loaded = run(project, "template", "load", str(forged), env=env)

    assert loaded.code == 2
    assert "contains image names" in loaded.output


def test_a_loaded_template_that_is_not_what_it_says_is_not_kept(
    project: Path, tmp_path: Path, project_name: str
) -> None:
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    file, options = tmp_path / "templates.tar", ["--project", project_name]
    run(project, "template", "build", *options, env=env)
    change_database(template_of(tmp_path / "cache"), "CREATE TABLE somebody_was_here (id INTEGER)")
    run(project, "template", "save", str(file), *options, env=env)
    other: Mapping[str, str] = {**env, "XDG_CACHE_HOME": str(tmp_path / "other")}

    loaded = run(project, "template", "load", str(file), env=other)

    assert loaded.code == 1
    assert "rejected " in loaded.output
    assert "catalogs differ from the recorded" in loaded.output
    assert list((tmp_path / "other").rglob("*.sqlite3")) == []
