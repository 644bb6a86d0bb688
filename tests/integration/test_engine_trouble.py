"""An engine that stops, restarts, hangs, refuses or has no room left, and two engines at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import docker
import pytest
from harness.containers import owned
from harness.engines import (
    MEBIBYTE,
    SecondEngine,
    error_answer,
    second_engine,
    way_to_the_engine,
)
from harness.projects import (
    Finished,
    finish_recorded,
    run,
    start_recorded,
    toolkit,
    wait_for,
    write_tests,
)

MEETING = """
        class AFirst(TestCase):
            def test_before(self):
                self.assertEqual(Author.objects.count(), 1)

        class BMeeting(TestCase):
            def test_meeting(self):
                Path(os.environ["MEET"]).touch()
                end = time.monotonic() + 60
                while Path(os.environ["MEET"]).exists() and time.monotonic() < end:
                    time.sleep(0.01)
                self.assertEqual(Author.objects.count(), 1)

        class CLast(TestCase):
            def test_after(self):
                self.assertEqual(Author.objects.count(), 1)
"""
"""Three tests; the second waits until the file `MEET` is removed."""


@pytest.fixture(scope="module")
def running_engine(base: str) -> Iterator[SecondEngine]:
    """A second engine for all tests of this module."""
    with TemporaryDirectory(prefix="e-", dir="/tmp") as name:
        with second_engine(Path(name), base) as engine:
            yield engine


@pytest.fixture
def second(running_engine: SecondEngine) -> Iterator[SecondEngine]:
    """The second engine, on which the test leaves no container."""
    yield running_engine
    client = running_engine.client()
    assert owned(client) == set()
    client.close()


def on(engine: SecondEngine, env: dict[str, str], **more: object) -> dict[str, str]:
    """The environment of a run on another engine."""
    return {**env, "DOCKER_HOST": engine.host, **{name: str(value) for name, value in more.items()}}


def kinds(done: Finished) -> dict[str, str]:
    """How each test ended, by the name of its method."""
    return {test.partition(" ")[0]: kind for test, kind in done.kinds}


@pytest.mark.usefixtures("no_container_is_left")
def test_a_run_on_one_engine_leaves_another_alone(
    project: Path,
    postgresql_env: dict[str, str],
    second: SecondEngine,
    engine: docker.DockerClient,
) -> None:
    write_tests(project, MEETING)
    name = f"two-engines-{os.getpid()}"

    done = run(project, "--project", name, "library.test_it.AFirst", env=on(second, postgresql_env))
    other = second.client()
    found = [len(one.images.list(f"localhost/ctest/{name}/postgresql")) for one in (engine, other)]
    other.close()

    assert done.code == 0, done.output
    assert found == [0, 1]


def test_a_command_on_an_engine_without_networks_reaches_its_databases_by_a_socket(
    project: Path, postgresql_env: dict[str, str], second: SecondEngine
) -> None:
    env = on(second, postgresql_env)
    show = [sys.executable, "-c", "import os; print(os.environ['DATABASE_URL'])"]

    done = run(project, "exec", "--", *show, env=env)
    asked = run(project, "exec", "--transport", "port", "--", *show, env=env)

    assert done.code == 0, done.output
    assert "The engine cannot publish ports" in done.output
    assert "?host=%2F" in done.output
    assert asked.code == 2
    assert "the engine has no network on which to publish ports" in asked.output


def test_an_engine_that_stops_in_mid_run_ends_it_with_a_true_account(
    project: Path, postgresql_env: dict[str, str], second: SecondEngine, tmp_path: Path
) -> None:
    write_tests(project, MEETING)
    meeting = tmp_path / "meeting"
    env = on(second, postgresql_env, MEET=meeting)
    run(project, "library.test_it.AFirst", env=env)
    arguments = ["--parallel", "1", "--server-timeout", "3"]
    process = start_recorded(project, *arguments, env=env, record=tmp_path / "record.json")
    wait_for(meeting.exists, 60, "the second test")

    second.stop()
    meeting.unlink()
    done = finish_recorded(process, tmp_path / "record.json")
    second.start()
    cleaned = run(project, "clean", env=env)

    assert done.code == 2
    assert kinds(done) == {"test_before": "success", "test_meeting": "error"}
    assert "No Docker Engine answers" in done.outcomes[-1][2]
    assert "1 test not run." in done.output
    assert "These containers were not removed: ctest-" in done.output
    assert "python -m ctest_containers clean" in done.output
    assert "removed container ctest-" in cleaned.output


def test_an_engine_that_restarts_in_mid_run_costs_only_the_test_that_ran(
    project: Path, postgresql_env: dict[str, str], second: SecondEngine, tmp_path: Path
) -> None:
    write_tests(project, MEETING)
    meeting = tmp_path / "meeting"
    env = on(second, postgresql_env, MEET=meeting)
    process = start_recorded(project, "--parallel", "1", env=env, record=tmp_path / "record.json")
    wait_for(meeting.exists, 60, "the second test")

    second.stop()
    meeting.unlink()
    second.start()
    done = finish_recorded(process, tmp_path / "record.json")

    assert done.code == 1, done.output
    assert kinds(done) == {
        "test_before": "success",
        "test_meeting": "error",
        "test_after": "success",
    }
    assert "were not removed" not in done.output


def test_an_engine_that_is_killed_takes_no_test_with_it(
    project: Path, postgresql_env: dict[str, str], second: SecondEngine, tmp_path: Path
) -> None:
    write_tests(project, MEETING)
    meeting = tmp_path / "meeting"
    env = on(second, postgresql_env, MEET=meeting)
    process = start_recorded(project, "--parallel", "1", env=env, record=tmp_path / "record.json")
    wait_for(meeting.exists, 60, "the second test")

    second.kill()
    meeting.unlink()
    done = finish_recorded(process, tmp_path / "record.json")
    second.start()
    run(project, "clean", env=env)

    assert done.code == 0, done.output
    assert set(kinds(done).values()) == {"success"}
    assert "These containers were not removed: ctest-" in done.output


def test_a_full_disk_while_a_template_is_stored_is_said_and_leaves_no_half_of_it(
    project: Path, postgresql_env: dict[str, str], base: str, short_folder: Path
) -> None:
    write_tests(project, MEETING)
    migration = project / "library" / "migrations" / "0002_first_author.py"
    large = """
        schema_editor.execute("CREATE TABLE large (content text)")
        schema_editor.execute(
            "INSERT INTO large SELECT md5(n::text) FROM generate_series(1, 1500000) n"
        )
"""
    head = "def add_author(apps, schema_editor):\n"
    body = "".join(line[4:] + "\n" for line in large.splitlines() if line)
    migration.write_text(migration.read_text().replace(head, head + body))

    with second_engine(short_folder, base, disk_bytes=1200 * MEBIBYTE) as engine:
        engine.leave_room(150 * MEBIBYTE)
        done = run(project, "library.test_it.AFirst", env=on(engine, postgresql_env))
        client = engine.client()
        left = client.images.list(all=True), client.containers.list(all=True)
        client.close()

    assert done.code == 2, done.output
    assert "no space left on device" in done.output
    assert "Free space" in done.output
    assert [image.tags for image in left[0]] == [[base]]
    assert left[1] == []


@pytest.mark.usefixtures("no_container_is_left")
def test_a_template_that_somebody_removes_in_mid_run_is_named(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    name = f"removed-{os.getpid()}"
    write_tests(
        project,
        f"""
        import subprocess

        class ARemoving(TestCase):
            def test_before(self):
                listed = ["docker", "images", "--format={{{{.Repository}}}}:{{{{.Tag}}}}"]
                listed += ["localhost/ctest/{name}/postgresql"]
                image = subprocess.check_output(listed, text=True).strip()
                subprocess.run(["docker", "rmi", "--force", image], check=True)
                os._exit(7)

        class BLast(TestCase):
            def test_after(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )
    arguments = ["--parallel", "1", "--project", name]

    done = toolkit(project, *arguments, env=postgresql_env, record=tmp_path / "record.json")

    assert done.code == 2
    assert kinds(done) == {"test_before": "error"}
    assert f"The image localhost/ctest/{name}/postgresql:" in done.output
    assert "Run the command again" in done.output
    assert "1 test not run." in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_slow_engine_makes_a_run_slow_and_nothing_else(
    project: Path, postgresql_env: dict[str, str], short_folder: Path
) -> None:
    write_tests(project, MEETING)
    pause = threading.Event()

    def slow(method: str, path: str) -> None:
        del method, path
        pause.wait(0.5)

    with way_to_the_engine(short_folder, slow) as address:
        env = {**postgresql_env, "DOCKER_HOST": address}
        done = run(project, "library.test_it.AFirst", "library.test_it.CLast", env=env)

    assert done.code == 0, done.output


def test_an_engine_that_never_answers_is_not_waited_for_for_ever(
    project: Path, postgresql_env: dict[str, str], short_folder: Path
) -> None:
    released = threading.Event()

    def hang(method: str, path: str) -> bytes:
        del method, path
        released.wait(120)
        return b""

    with way_to_the_engine(short_folder, hang) as address:
        env = {**postgresql_env, "DOCKER_HOST": address}
        done = run(project, "library.test_outcomes", env=env, seconds=100)
        released.set()

    assert done.code == 2
    assert f"No Docker Engine answers at {address}" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize(("refusals", "code"), [(2, 0), (99, 2)])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_port_that_is_taken_is_tried_again_and_then_named(
    refusals: int, code: int, project: Path, postgresql_env: dict[str, str], short_folder: Path
) -> None:
    write_tests(project, MEETING)
    one = ["library.test_it.AFirst", "--transport", "port"]
    run(project, *one, env=postgresql_env)
    left = [refusals]

    def refuse(method: str, path: str) -> bytes | None:
        if method == "POST" and path.endswith("/start") and left[0]:
            left[0] -= 1
            return error_answer(500, "Bind for 127.0.0.1:49153 failed: port is already allocated")
        return None

    with way_to_the_engine(short_folder, refuse) as address:
        done = run(project, *one, env={**postgresql_env, "DOCKER_HOST": address})

    assert done.code == code, done.output
    assert ("port is already allocated" in done.output) == (code == 2)


@pytest.mark.usefixtures("no_container_is_left")
def test_two_runs_side_by_side_do_not_disturb_each_other(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    """One is killed while the other runs on, `clean` included."""
    write_tests(project, MEETING)
    meetings = [tmp_path / "one", tmp_path / "two"]
    processes = [
        start_recorded(
            project,
            "--parallel=1",
            env={**postgresql_env, "MEET": str(meeting)},
            record=tmp_path / f"{meeting.name}.json",
        )
        for meeting in meetings
    ]
    for meeting in meetings:
        wait_for(meeting.exists, 60, "the second test")

    processes[0].kill()
    processes[0].communicate(timeout=60)
    run(project, "clean", env=postgresql_env)
    meetings[1].unlink()
    done = finish_recorded(processes[1], tmp_path / "two.json")

    assert done.code == 0, done.output
    assert len(done.outcomes) == 3


def test_kill_9_of_a_parent_and_its_server_host_leaves_what_clean_removes(
    project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    write_tests(project, MEETING)
    meeting = tmp_path / "meeting"
    before = owned(engine)
    env = {**postgresql_env, "MEET": str(meeting)}
    record = tmp_path / "record.json"
    process = start_recorded(project, "--parallel=1", env=env, record=record, forked=False)
    wait_for(meeting.exists, 60, "the second test")

    host = subprocess.check_output(["pgrep", "-P", str(process.pid), "-f", "servers.serve"])
    # The host first: it is quick to remove everything when its parent is gone.
    subprocess.run(["kill", "-9", host.decode().strip(), str(process.pid)], check=True)
    process.communicate(timeout=60)
    left = owned(engine) - before
    done = run(project, "clean", env=env)

    assert len(left) == 1
    assert owned(engine) <= before
    assert "removed container ctest-" in done.output
    assert "removed folder" in done.output
