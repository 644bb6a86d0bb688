"""The steps of action.yml do on a fresh runner what they promise, with and without a cache."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import docker
import pytest
from harness.action_steps import ActionRun, Runner
from harness.projects import copy_of, environment, run, wait_for, write_tests
from harness.registry import PASSWORD, Registry, running_registry
from harness.tiers import further

pytestmark = [
    pytest.mark.machines_engine,
    further(
        "unit/test_actions has the text of the steps, test_template_commands and "
        "test_template_sharing what they call."
    ),
]

ROOT = Path(__file__).resolve().parents[2]
PASSING = "library.test_outcomes.Writing"
INSTALLED = {"install": "no"}
NEW_MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("library", "0003_book")]
    operations = [migrations.AddField("author", "age", models.IntegerField(null=True))]
"""
SLOW = """
class Slow(unittest.TestCase):
    def test_slow(self):
        Path("begun").touch()
        time.sleep(120)
"""


@pytest.fixture(scope="module")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout of the action, whose own PostgreSQL image is one that no other test uses."""
    checkout = tmp_path_factory.mktemp("action") / "checkout"
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("ctest_containers", "images", "scripts"):
        shutil.copytree(ROOT / name, checkout / name, ignore=ignored)
    for name in ("action.yml", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, checkout)
    recipe = checkout / "images" / "postgresql" / "Dockerfile"
    recipe.write_text(f"{recipe.read_text()}# Of a test of the action, {time.time_ns()}.\n")
    return checkout


@pytest.fixture(scope="module")
def fresh_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter with nothing but pip."""
    folder = tmp_path_factory.mktemp("python")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder / "bin" / "python"


@pytest.fixture(scope="module")
def python_with_toolkit(fresh_python: Path, action: Path) -> Path:
    """The same after the action's step that installs the toolkit, whichever test is the first."""
    options = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([fresh_python, "-m", "pip", "install", *options, action], check=True)
    return fresh_python


@pytest.fixture
def inputs(fresh_python: Path, project: Path) -> dict[str, str]:
    return {"python": str(fresh_python), "working-directory": project.name}


@pytest.fixture
def base(engine: docker.DockerClient, base: str, action: Path) -> Iterator[str]:
    """The PostgreSQL image of that checkout, whose layers are the same; it is not there yet."""
    del base
    program = (
        "from ctest_containers.template.base import base_image; "
        "print(base_image('postgresql', '').name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(action)!r}); {program}"],
        check=True,
        capture_output=True,
        text=True,
    )
    name = done.stdout.strip()
    yield name
    if is_there(engine, name):
        engine.images.remove(name, force=True)


def is_there(engine: docker.DockerClient, image: str) -> bool:
    return bool(engine.images.list(image))


def forget(engine: docker.DockerClient, *names: str) -> None:
    """Let this engine be one of a fresh runner."""
    for name in names:
        for image in engine.images.list(name):
            engine.images.remove(name if "*" not in name else str(image.id), force=True)


def runner(action: Path, project: Path, machine: Path, env: dict[str, str]) -> Runner:
    """A runner whose user has an empty cache; what it keeps is there for the next one."""
    tmp_path = project.parent
    own = environment(machine / "cache", env)
    return Runner(
        action=action,
        workspace=tmp_path,
        temp=tmp_path / "temp",
        kept=tmp_path / "kept",
        env=own,
    )


def outcomes(done: ActionRun) -> set[tuple[str | None, ...]]:
    """The tests of a JUnit file, and how they ended."""
    cases = ET.parse(done.outputs["junit"]).iter("testcase")
    return {(case.get("classname"), case.get("name"), *(one.tag for one in case)) for case in cases}


@pytest.mark.usefixtures("no_container_is_left")
def test_what_one_job_migrates_later_ones_restore_and_only_add_to(
    action: Path,
    project: Path,
    project_name: str,
    inputs: dict[str, str],
    engine: docker.DockerClient,
    base: str,
    tmp_path: Path,
) -> None:
    # A temporary file: after another one was written to, no build resumes.
    witness = Path(tempfile.gettempdir(), f"witness-{project_name}")
    env = {
        "OUTCOMES_DB": "postgresql",
        "OUTCOMES_DB_PORT": "1",
        "OUTCOMES_MIGRATION_WITNESS": str(witness),
    }
    inputs |= {"args": f"--project {project_name}"}
    own = (f"localhost/ctest/{project_name}/*", base)

    first = runner(action, project, tmp_path / "1", env).run(inputs)
    expected = outcomes(first)
    forget(engine, *own)
    (project / "reports" / "junit.xml").unlink()
    machine = runner(action, project, tmp_path / "2", env)
    again = machine.run({**inputs, **INSTALLED})
    actual, artifact = outcomes(again), machine.artifact("test-reports-tests-0")
    needed_no_base = not is_there(engine, base)
    forget(engine, *own)
    (project / "library" / "migrations" / "0004_age.py").write_text(NEW_MIGRATION)
    fewer = {"args": f"{inputs['args']} {PASSING}"}
    grown = runner(action, project, tmp_path / "3", env).run({**inputs, **INSTALLED, **fewer})

    assert first.outputs["exit-code"] == "1", first.output
    assert (first.conclusion, first.outputs["cache-hit"]) == ("failure", "false")
    assert "Building the template" in first.output
    assert "Saved " in first.output
    assert (again.outputs["exit-code"], again.outputs["cache-hit"]) == ("1", "true"), again.output
    assert "Using the template" in again.output
    assert "Building" not in again.output
    assert "Save templates" not in again.ran
    assert needed_no_base
    assert actual == expected
    assert len(expected) > 30
    assert artifact == ["events.jsonl", "junit.xml", "tests.html"]
    assert (grown.conclusion, grown.outputs["cache-hit"]) == ("success", "false"), grown.output
    assert "incrementally (1 new migration: library.0004_age; " in grown.output, grown.output
    assert not is_there(engine, base)
    assert witness.read_text() == "migrated\n"
    assert "Save templates in the cache" in grown.ran, grown.output
    one, other = machine.caches
    assert one.rpartition("-")[0] == other.rpartition("-")[0]
    assert "❌" in first.summary


@pytest.mark.usefixtures("python_with_toolkit")
def test_a_job_whose_tests_pass_succeeds_and_the_next_uses_its_sqlite_template(
    action: Path, project: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    witness = tmp_path / "witness"
    env = {"DOCKER_HOST": "unix:///nonexistent", "OUTCOMES_MIGRATION_WITNESS": str(witness)}
    inputs |= {**INSTALLED, "args": PASSING, "html": ""}

    machine = runner(action, project, tmp_path / "1", env)
    first = machine.run(inputs)
    artifact = machine.artifact("test-reports-tests-0")
    again = runner(action, project, tmp_path / "2", env).run({**inputs, "upload": "false"})

    assert (first.conclusion, again.conclusion) == ("success", "success"), first.output
    assert first.ran == [
        "Check the inputs",
        "Compute the cache key of the current templates",
        "Restore templates from the cache",
        "Run the tests",
        "Save templates",
        "Save templates in the cache",
        "Upload the reports",
    ]
    assert again.ran == [*first.ran[:3], "Load templates", "Run the tests"]
    assert artifact == ["events.jsonl", "junit.xml"]
    assert again.outputs == {
        "exit-code": "0",
        "junit": str(project / "reports" / "junit.xml"),
        "html": "",
        "event-log": str(project / "reports" / "events.jsonl"),
        "cache-hit": "true",
    }
    assert witness.read_text() == "migrated\n"
    assert "### ✅ " in again.summary


@pytest.mark.usefixtures("python_with_toolkit")
def test_a_job_begins_with_the_timings_of_the_one_before(
    action: Path, project: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    env = {"DOCKER_HOST": "unix:///nonexistent"}
    inputs |= {**INSTALLED, "args": PASSING, "cache": "off", "timings": "true"}

    first = runner(action, project, tmp_path / "1", env).run(inputs)
    machine = runner(action, project, tmp_path / "2", env)
    again = machine.run(inputs)

    assert first.ran == again.ran, first.output
    assert first.ran == [
        "Check the inputs",
        "Restore timings from the cache",
        "Run the tests",
        "Save timings in the cache",
        "Upload the reports",
    ]
    assert len(machine.caches) == 2
    timings = json.loads((machine.temp / "ctest-timings" / "timings.json").read_text())
    assert {timing["runs"] for timing in timings["tests"].values()} == {2}


@pytest.mark.usefixtures("python_with_toolkit")
def test_a_cache_that_cannot_be_used_costs_a_warning_and_not_the_run(
    action: Path, project: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    env = {"DOCKER_HOST": "unix:///nonexistent"}
    inputs |= {**INSTALLED, "args": PASSING}
    machine = runner(action, project, tmp_path / "1", env)
    machine.run(inputs)
    (content,) = machine.kept.glob("*/content")
    content.write_bytes(b"somebody was here")

    done = runner(action, project, tmp_path / "2", env).run(inputs)

    assert (done.conclusion, done.outputs["cache-hit"]) == ("success", "false"), done.output
    assert (
        "::warning::The cached templates cannot be used. Delete the cache entry "
        f"{machine.caches[0]}" in done.output
    )


@pytest.mark.usefixtures("python_with_toolkit")
def test_a_job_that_is_cancelled_ends_its_tests_at_once_and_still_uploads_reports(
    action: Path, project: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, SLOW)
    machine = runner(action, project, tmp_path / "1", {"DOCKER_HOST": "unix:///nonexistent"})
    begun = project / "begun"
    cancelled = []

    def when_it_has_begun() -> None:
        wait_for(begun.exists, 120, "the test")
        cancelled.append(time.monotonic())

    done = machine.run(
        {**inputs, **INSTALLED, "cache": "off"}, cancel={"Run the tests": when_it_has_begun}
    )

    assert time.monotonic() - cancelled[0] < 60
    assert (done.conclusion, done.outputs["exit-code"]) == ("cancelled", "143"), done.output
    assert done.ran == ["Check the inputs", "Run the tests", "Upload the reports"]
    assert machine.artifact("test-reports-tests-0") == ["events.jsonl", "junit.xml", "tests.html"]


@pytest.mark.usefixtures("python_with_toolkit")
def test_a_project_that_cannot_be_tested_fails_and_the_doctor_is_asked(
    action: Path, project: Path, inputs: dict[str, str], tmp_path: Path
) -> None:
    machine = runner(action, project, tmp_path / "1", {"DOCKER_HOST": "unix:///nonexistent"})

    nothing = machine.run({**inputs, **INSTALLED, "settings": "outcomes.nowhere", "cache": "off"})
    unnamed = machine.run({**inputs, **INSTALLED, "cache": "registry"})
    unknown = machine.run({**inputs, **INSTALLED, "cache": "files"})

    assert (nothing.conclusion, nothing.outputs["exit-code"]) == ("failure", "2")
    assert "The settings module 'outcomes.nowhere' cannot be imported" in nothing.output
    assert nothing.ran[-1] == "Run the doctor"
    assert machine.artifact("test-reports-tests-0") == []
    assert "::error::The input cache is registry, but the input registry is empty" in unnamed.output
    assert "Invalid value 'files' for the input cache" in unknown.output
    assert unnamed.ran == unknown.ran == ["Check the inputs"]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.mark.usefixtures("no_container_is_left", "python_with_toolkit")
def test_what_one_job_pushes_to_a_registry_the_next_pulls(
    action: Path,
    project: Path,
    project_name: str,
    inputs: dict[str, str],
    engine: docker.DockerClient,
    base: str,
    registry: Registry,
    tmp_path: Path,
) -> None:
    witness = tmp_path / "witness"
    env = {
        "OUTCOMES_DB": "postgresql",
        "OUTCOMES_DB_PORT": "1",
        "OUTCOMES_MIGRATION_WITNESS": str(witness),
        "DOCKER_CONFIG": str(registry.login),
    }
    inputs |= {**INSTALLED, "args": f"--project {project_name} {PASSING}"}
    inputs |= {"registry": registry.repository("acme/templates"), "push": "true"}
    own = (f"localhost/ctest/{project_name}/*", base)

    first = runner(action, project, tmp_path / "1", env).run(inputs)
    forget(engine, *own)
    machine = runner(action, project, tmp_path / "2", env)
    again = machine.run(inputs)

    assert (first.conclusion, first.outputs["cache-hit"]) == ("success", "false"), first.output
    assert "Pushed the template" in first.output
    assert (again.conclusion, again.outputs["cache-hit"]) == ("success", "true"), again.output
    assert "Pulled: " in again.output
    assert not is_there(engine, base)
    assert witness.read_text() == "migrated\n"
    assert machine.caches == []
    assert PASSWORD not in first.output + again.output


def test_the_key_of_a_cache_needs_no_engine_and_changes_with_the_migrations(
    project: Path, tmp_path: Path
) -> None:
    nowhere = {"DOCKER_HOST": "unix:///nonexistent", "OUTCOMES_DB": "postgresql"}
    env = environment(tmp_path / "cache", nowhere)

    first = run(project, "template", "key", env=env)
    again = run(project, "template", "key", "-v", "2", "--parallel", "3", env=env)
    (project / "library" / "migrations" / "0004_age.py").write_text(NEW_MIGRATION)
    grown = run(project, "template", "key", env=env)
    sqlite = run(project, "template", "key", env={**env, "OUTCOMES_DB": "sqlite"})

    assert (first.code, first.output.count("\n")) == (0, 1)
    assert first.output.startswith(f"ctest-{project.name}-")
    assert again.output == first.output
    assert grown.output != first.output
    assert grown.output.rpartition("-")[0] == first.output.rpartition("-")[0]
    assert sqlite.output.rpartition("-")[0] != first.output.rpartition("-")[0]
    assert str(tmp_path) not in first.output


def test_labels_may_follow_the_file_that_templates_are_saved_in_after_options(
    project: Path, tmp_path: Path
) -> None:
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})
    run(project, "template", "build", "--project", "named", env=env)
    files = [tmp_path / "first.tar", tmp_path / "last.tar"]

    first = run(project, "template", "save", str(files[0]), "--project", "named", PASSING, env=env)
    last = run(project, "template", "save", "--project", "named", str(files[1]), PASSING, env=env)

    assert (first.code, last.code) == (0, 0), first.output + last.output
    assert [file.is_file() for file in files] == [True, True]


def test_the_project_of_another_folder_has_templates_of_its_own(tmp_path: Path) -> None:
    project = copy_of("outcomes", tmp_path)
    env = environment(tmp_path / "cache", {"DOCKER_HOST": "unix:///nonexistent"})

    one = run(project, "template", "key", env=env)
    other = run(project, "template", "key", "--project", "another", env=env)

    assert one.output.partition("outcomes")[2] == other.output.partition("another")[2]
