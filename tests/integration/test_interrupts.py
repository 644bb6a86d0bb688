"""Whoever ends a run, and however: what has ended is reported, and nothing is left."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from tempfile import gettempdir

import docker
import psutil
import pytest
from harness.containers import owned
from harness.projects import PROJECTS, interrupt, start, wait_for, write_tests

from ctest_containers.engine.labels import RUN
from ctest_containers.exit_codes import ExitCode

OUTCOMES = PROJECTS / "outcomes"


@pytest.mark.usefixtures("no_container_is_left")
def test_ctrl_c_finishes_the_running_test_reports_and_removes_everything(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Slow(TestCase):
            def test_a(self):
                Path(os.environ["MEET"]).touch()
                end = time.monotonic() + 30
                while Path(os.environ["MEET"]).exists() and time.monotonic() < end:
                    time.sleep(0.01)

            def test_b(self):
                self.fail("not reached")
    """,
    )
    meeting = project / "meeting"
    process = start(project, env={**postgresql_env, "MEET": str(meeting)})
    wait_for(meeting.exists, 60, "the test")

    interrupt(process)
    meeting.unlink()
    output, _ = process.communicate(timeout=60)

    assert "Ran 1 test" in output
    assert "Interrupted: 1 test not run." in output
    assert process.returncode == ExitCode.INTERRUPTED


@pytest.mark.usefixtures("no_container_is_left")
def test_a_second_ctrl_c_stops_at_once_and_removes_everything(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Endless(TestCase):
            def test_a(self):
                Path(os.environ["MEET"]).touch()
                time.sleep(120)
    """,
    )
    meeting = project / "meeting"
    process = start(project, env={**postgresql_env, "MEET": str(meeting)})
    wait_for(meeting.exists, 60, "the test")

    interrupt(process)
    assert process.stdout is not None
    said = next(line for line in process.stdout if "Stopping" in line)
    interrupt(process)
    output, _ = process.communicate(timeout=30)

    assert "waiting for library.test_it.Endless.test_a" in said
    assert "Ran 0 tests" in output
    assert process.returncode == ExitCode.INTERRUPTED


@pytest.mark.usefixtures("no_container_is_left")
def test_sigterm_stops_now_reports_what_has_ended_and_removes_everything(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Endless(TestCase):
            def test_a(self):
                self.fail("worth knowing")

            def test_b(self):
                Path(os.environ["MEET"]).touch()
                time.sleep(120)
    """,
    )
    meeting = project / "meeting"
    process = start(project, env={**postgresql_env, "MEET": str(meeting)})
    wait_for(meeting.exists, 60, "the test")

    process.terminate()
    output, _ = process.communicate(timeout=30)

    assert process.returncode == ExitCode.TERMINATED
    assert "worth knowing" in output
    assert "Interrupted: 1 test not run." in output


@pytest.mark.usefixtures("no_container_is_left")
def test_ctrl_c_while_a_template_is_built_ends_the_run_at_once(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    migration = project / "library" / "migrations" / "0002_first_author.py"
    head = "def add_author(apps, schema_editor):\n"
    witness = tmp_path / "witness"
    hanging = f"{head}    Path({str(witness)!r}).touch()\n    __import__('time').sleep(120)\n"
    migration.write_text(migration.read_text().replace(head, hanging))
    process = start(project, "library.test_outcomes.Writing", env=postgresql_env)
    wait_for(witness.exists, 60, "the migration")

    interrupt(process)
    output, _ = process.communicate(timeout=30)

    assert process.returncode == ExitCode.INTERRUPTED
    assert "Interrupted before any test had run." in output
    assert "Traceback" not in output


def test_kill_9_of_the_parent_removes_its_workers_and_containers_without_another_run(
    project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    write_tests(
        project,
        """
        class Endless(TestCase):
            def test_a(self):
                Path(os.environ["MEET"]).write_text(f"{os.getppid()} {os.getpid()}")
                end = time.monotonic() + 60
                while time.monotonic() < end:
                    time.sleep(0.05)
    """,
    )
    meeting = project / "meeting"
    before = owned(engine)
    process = start(project, env={**postgresql_env, "MEET": str(meeting)})
    wait_for(lambda: meeting.exists() and meeting.read_text(), 60, "the test")
    parent, worker = map(int, meeting.read_text().split())
    (container,) = owned(engine) - before
    folder = Path(gettempdir()) / f"ctest-{engine.containers.get(container).labels[RUN]}"

    os.kill(parent, signal.SIGKILL)

    wait_for(lambda: owned(engine) <= before, 15, "the removal of the containers")
    wait_for(lambda: not folder.exists(), 15, "the removal of the run's folder")
    wait_for(lambda: not _runs(worker), 15, "the end of the worker")
    process.communicate(timeout=30)


@pytest.mark.usefixtures("no_container_is_left")
def test_kill_9_of_the_server_host_ends_the_run_with_what_was_reported_and_leaves_nothing(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Waiting(TestCase):
            def test_a(self):
                Path(os.environ["MEET"]).write_text(str(os.getppid()))
                end = time.monotonic() + 30
                while Path(os.environ["MEET"]).exists() and time.monotonic() < end:
                    time.sleep(0.01)

            def test_b(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )
    meeting = project / "meeting"
    process = start(project, env={**postgresql_env, "MEET": str(meeting)}, forked=False)
    wait_for(lambda: meeting.exists() and meeting.read_text(), 60, "the test")
    children = psutil.Process(int(meeting.read_text())).children()
    (host,) = (one for one in children if "servers.serve" in " ".join(one.cmdline()))

    host.kill()
    meeting.unlink()
    output, _ = process.communicate(timeout=60)

    assert "Ran 2 tests" in output


def _runs(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
