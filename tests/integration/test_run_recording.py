"""What tests use is kept between runs: of those that ran, whichever way the run ended."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest
from harness.projects import interrupt, run, start, wait_for, write_tests

from ctest_containers.exit_codes import ExitCode
from ctest_containers.usage.recording import Recording
from ctest_containers.usage.store import RecordingFile

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="Recording is slow before Python 3.12."
)

SHARED = """
def shared():
    return 1

def own():
    return 2
"""

TWO = """
        from library import helpers

        class One(SimpleTestCase):
            def test_own(self):
                self.assertEqual(helpers.own(), 2)

            def test_shared(self):
                self.assertEqual(helpers.shared(), 1)

        class Two(SimpleTestCase):
            def test_shared(self):
                self.assertEqual(helpers.shared(), 1)
"""

OWN, SHARED_1, SHARED_2 = (
    f"library.test_it.{name}" for name in ("One.test_own", "One.test_shared", "Two.test_shared")
)


@pytest.fixture
def timings(tmp_path: Path) -> Path:
    """The file of this test's timings."""
    return tmp_path / "timings.json"


@pytest.fixture
def env(sqlite_env: dict[str, str], timings: Path) -> dict[str, str]:
    """The environment that names it."""
    return {**sqlite_env, "TEST_TIMINGS_FILE": str(timings)}


@pytest.fixture
def project(project: Path) -> Path:
    """A project with three tests that use two functions, saved before this moment."""
    write_tests(project, TWO)
    (project / "library" / "helpers.py").write_text(SHARED)
    # The process of a run must not seem to have begun before the files were saved.
    time.sleep(0.1)
    return project


def recorded(file: Path) -> Recording:
    """What is recorded beside a file."""
    recording, problem = RecordingFile.beside(file).read()
    assert problem == ""
    return recording


def users(recording: Recording, function: str) -> set[str]:
    """The ids of the tests that have run a function of the project."""
    units = recording.units.users("definitions", {("library.helpers", function)})
    return {unit.removeprefix("test ") for unit in units}


def edit(project: Path, before: str, after: str) -> None:
    """Change the project's functions."""
    file = project / "library" / "helpers.py"
    file.write_text(file.read_text().replace(before, after))
    time.sleep(0.1)  # For the reason above.


def test_a_run_records_what_each_test_uses(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    done = run(project, "--record", "--parallel", "2", env=env)

    recording = recorded(timings)
    assert done.code == 0, done.output
    assert users(recording, "own") == {OWN}
    assert users(recording, "shared") == {SHARED_1, SHARED_2}
    assert recording.is_complete
    assert recording.marks == {}


def test_a_run_of_some_tests_keeps_the_others_and_marks_those_that_changes_reach(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    run(project, "--record", env=env)
    first = recorded(timings)
    edit(project, "return 1", "return 3 - 2")

    run(project, "--record", "library.test_it.Two", env=env)

    recording = recorded(timings)
    assert recording.marks.keys() == {SHARED_1}
    assert users(recording, "shared") == {SHARED_1, SHARED_2}
    assert recording.runs[f"test {OWN}"] == first.run
    assert recording.runs[f"test {SHARED_2}"] == recording.run != first.run
    assert not recording.is_complete


def test_tests_that_fail_are_marked_until_they_pass(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    edit(project, "return 2", "return 3")
    failed = run(project, "--record", env=env)
    marks = recorded(timings).marks
    edit(project, "return 3", "return 2")

    passed = run(project, "--record", "library.test_it.One.test_own", env=env)

    assert (failed.code, passed.code) == (1, 0)
    assert marks == {OWN: "failed"}
    assert recorded(timings).marks == {}


def test_tests_that_no_longer_exist_are_forgotten_after_a_run_of_all(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    run(project, "--record", env=env)
    write_tests(project, TWO.partition("        class Two")[0])
    time.sleep(0.1)  # For the reason above.

    run(project, "--record", env=env)

    assert f"test {SHARED_2}" not in recorded(timings).units


def test_what_ended_before_an_interrupt_counts(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    run(project, "--record", env=env)
    first = recorded(timings)
    write_tests(
        project,
        TWO
        + """
        class Waiting(SimpleTestCase):
            def test_waiting(self):
                Path(os.environ["MEET"]).touch()
                while Path(os.environ["MEET"]).exists():
                    time.sleep(0.01)

            def test_zero(self):
                pass
""",
    )
    time.sleep(0.1)  # For the reason above.
    meeting = project / "meeting"
    arguments = ("--record", "--parallel", "1", "library.test_it.Waiting", "library.test_it.Two")
    process = start(project, *arguments, env={**env, "MEET": str(meeting)})
    wait_for(meeting.exists, 60, "the test")

    interrupt(process)
    meeting.unlink()
    output, _ = process.communicate(timeout=60)

    recording = recorded(timings)
    assert process.returncode == ExitCode.INTERRUPTED, output
    assert "test library.test_it.Waiting.test_waiting" in recording.units
    assert "test library.test_it.Waiting.test_zero" not in recording.units
    assert recording.runs[f"test {OWN}"] == first.run


def test_tests_that_use_a_file_that_changed_during_the_run_are_affected_by_the_next(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    (project / "data.txt").write_text("before")
    time.sleep(0.1)  # For the reason above.
    write_tests(
        project,
        """
        class Reading(SimpleTestCase):
            def test_a_read(self):
                Path("data.txt").read_text()

            def test_else(self):
                Path("data.txt").write_text("before")
""",
    )
    time.sleep(0.1)  # For the reason above.
    run(project, "--record", "--parallel", "1", env=env)

    run(project, "--record", "library.test_it.Reading.test_else", env=env)

    marks = recorded(timings).marks
    assert "library.test_it.Reading.test_a_read" in marks


def test_a_damaged_recording_costs_a_warning_and_not_the_run(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    RecordingFile.beside(timings).path.write_bytes(b"damaged")

    done = run(project, "--record", env=env)

    assert done.code == 0
    assert "It was renamed to timings.json.usage.unreadable" in done.output
    assert users(recorded(timings), "own") == {OWN}


def test_jobs_record_beside_their_logs_and_their_merge_is_a_recording_of_all(
    project: Path, env: dict[str, str], timings: Path, tmp_path: Path
) -> None:
    logs = [tmp_path / "logs" / f"{number}.jsonl" for number in (1, 2)]
    for number, log in enumerate(logs, 1):
        run(project, "--record", "--shard", f"{number}/2", "--event-log", str(log), env=env)
    before = RecordingFile.beside(timings).path.exists()

    done = run(project, "report", "merge", str(tmp_path), "--timings", str(timings), env=env)

    recording = recorded(timings)
    assert done.code == 0, done.output
    assert not before
    assert users(recording, "shared") == {SHARED_1, SHARED_2}
    assert users(recording, "own") == {OWN}
    assert recording.is_complete
    assert not [path for path in (tmp_path / "logs").iterdir() if path.suffix == ".lock"]


def test_jobs_can_be_merged_if_no_test_is_affected(
    project: Path, env: dict[str, str], tmp_path: Path
) -> None:
    run(project, "--record", env=env)
    logs = [tmp_path / "logs" / f"{number}.jsonl" for number in (1, 2)]
    for number, log in enumerate(logs, 1):
        shard = ("--shard", f"{number}/2", "--event-log", str(log))
        assert run(project, "--affected", *shard, env=env).code == 0

    done = run(project, "report", "merge", *map(str, logs), env=env)

    assert done.code == 0, done.output
    assert "PASSED: 3 not affected" in done.output


@pytest.mark.parametrize("options", [(), ("--shard", "1/2")])
def test_a_project_that_fails_the_checks_of_django_fails_if_no_test_is_affected(
    project: Path, env: dict[str, str], options: tuple[str, ...]
) -> None:
    models = project / "library" / "models.py"
    draft = "\n\nclass Draft(models.Model):\n    class Meta:\n        managed = False\n"
    models.write_text(f"{models.read_text()}{draft}        ordering = ['id']\n")
    time.sleep(0.1)  # For the reason above.
    run(project, "--record", env=env)
    models.write_text(models.read_text().replace("['id']", "['unknown']"))

    done = run(project, "--affected", *options, env=env)

    assert done.code != 0
    assert "(models.E015)" in done.output


def test_a_job_that_is_missing_leaves_what_was_recorded_before(
    project: Path, env: dict[str, str], timings: Path, tmp_path: Path
) -> None:
    run(project, "--record", env=env)
    first = recorded(timings)
    log = tmp_path / "logs" / "1.jsonl"
    run(project, "--record", "--shard", "1/2", "--event-log", str(log), env=env)

    run(project, "report", "merge", str(log), "--timings", str(timings), env=env)

    recording = recorded(timings)
    assert set(recording.units) == set(first.units)
    assert {run.id for run in recording.runs.values()} == {first.run.id, recording.run.id}
    assert not recording.is_complete


TOUCHING = (
    TWO
    + """
        class Touching(TestCase):
            def test_insert(self):
                Author.objects.create(name="a")

        class Other(TestCase):
            def test_nothing(self):
                pass
"""
)

MIGRATION = """
from django.db import migrations, models

class Migration(migrations.Migration):
    dependencies = [("library", "0003_book")]
    operations = [migrations.AddField("author", "age", models.IntegerField(null=True))]
"""


def _migrate(project: Path, env: dict[str, str]) -> None:
    """Record a run, add a migration, and check which tests that affects."""
    write_tests(project, TOUCHING)
    time.sleep(0.1)  # For the reason above.
    run(project, "--record", env=env)
    (project / "library" / "migrations" / "0004_age.py").write_text(MIGRATION)

    done = run(project, "--affected", "--verbosity", "2", env=env)

    assert done.code == 0, done.output
    assert "test_insert (library.test_it.Touching.test_insert) ... ok" in done.output
    assert "library.test_it.Two" not in done.output


def test_after_a_migration_only_tests_that_touch_what_it_changes_are_affected(
    project: Path, env: dict[str, str]
) -> None:
    _migrate(project, env)


@pytest.mark.usefixtures("no_container_is_left")
def test_the_same_tests_are_affected_on_a_server(
    project: Path, postgresql_env: dict[str, str], timings: Path
) -> None:
    _migrate(project, {**postgresql_env, "TEST_TIMINGS_FILE": str(timings)})


def test_a_migration_marks_only_tests_that_touch_what_it_changes(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    write_tests(project, TOUCHING)
    time.sleep(0.1)  # For the reason above.
    run(project, "--record", env=env)
    (project / "library" / "migrations" / "0004_age.py").write_text(MIGRATION)
    time.sleep(0.1)  # For the reason above.

    done = run(project, "--record", "library.test_it.Other", env=env)

    assert done.code == 0, done.output
    assert recorded(timings).marks.keys() == {"library.test_it.Touching.test_insert"}


def test_without_the_option_nothing_is_recorded(
    project: Path, env: dict[str, str], timings: Path
) -> None:
    run(project, "--no-record", env=env)

    assert timings.exists()
    assert not RecordingFile.beside(timings).path.exists()
