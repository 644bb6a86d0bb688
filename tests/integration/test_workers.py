"""Workers: isolated servers without a network, none where none is needed, and none left over."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import docker
import pytest
from harness.containers import owned
from harness.projects import PROJECTS, run, start, wait_for, write_tests

OUTCOMES = PROJECTS / "outcomes"


@pytest.mark.usefixtures("no_container_is_left")
def test_workers_share_nothing_not_even_roles_or_advisory_locks(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    body = """
        class Base:
            def test_alone(self):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_try_advisory_lock(42)")
                    self.assertEqual(cursor.fetchone(), (True,))
                    cursor.execute("CREATE ROLE only_here")
                    self.meet("begun")
                    # A session that has just been closed may still be ending.
                    self.wait_for(lambda: self.sessions(cursor) == 1, "others are connected")
                    self.meet("counted")

            def sessions(self, cursor):
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname IS NOT NULL")
                return cursor.fetchone()[0]

            def meet(self, what):
                folder = Path(os.environ["MEET"])
                (folder / f"{what}-{type(self).__name__}").touch()
                self.wait_for(lambda: len([*folder.glob(f"{what}-*")]) == 3, "not at once")

            def wait_for(self, condition, otherwise):
                end = time.monotonic() + 20
                while not condition():
                    self.assertLess(time.monotonic(), end, otherwise)
                    time.sleep(0.01)
    """
    body += "".join(f"\n        class Test{n}(Base, TestCase): pass\n" for n in range(3))
    write_tests(project, body)
    meeting = project / "meeting"
    meeting.mkdir()

    done = run(project, "--parallel", "3", env={**postgresql_env, "MEET": str(meeting)})

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_worker_container_has_no_network_no_capabilities_and_a_private_socket(
    project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient
) -> None:
    write_tests(
        project,
        """
        class Waiting(TestCase):
            def test_wait(self):
                Path(os.environ["MEET"]).write_text(connection.settings_dict["HOST"])
                end = time.monotonic() + 30
                while Path(os.environ["MEET"]).exists() and time.monotonic() < end:
                    time.sleep(0.01)
    """,
    )
    meeting = project / "meeting"
    before = owned(engine)
    process = start(project, env={**postgresql_env, "MEET": str(meeting)})
    wait_for(lambda: meeting.exists() and meeting.read_text(), 60, "the test")

    (name,) = owned(engine) - before
    container = engine.containers.get(name)
    settings = container.attrs
    # Not exec_run, which loses output that arrives together with the answer's headers.
    command = ["sh", "-c", "cat /proc/net/dev; getent ahosts localhost"]
    network = subprocess.check_output(["docker", "exec", name, *command], timeout=30)
    folder = Path(meeting.read_text())
    run_folder_mode = folder.parent.stat().st_mode & 0o777
    meeting.unlink()
    output, _ = process.communicate(timeout=60)

    assert process.returncode == 0, output
    assert settings["HostConfig"]["NetworkMode"] == "none"
    assert settings["HostConfig"]["CapDrop"] == ["ALL"]
    assert settings["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]
    assert settings["HostConfig"]["Memory"] == settings["HostConfig"]["MemorySwap"] == 2 * 2**30
    assert settings["HostConfig"]["PidsLimit"] == 512
    assert settings["NetworkSettings"]["Ports"] in ({}, None)
    assert re.findall(rb"(\w+): ", network) == [b"lo"]
    assert b"127.0.0.1" in network
    mounts = {mount["Destination"]: mount["RW"] for mount in settings["Mounts"]}
    assert mounts == {"/ctest/run": True, "/etc/hosts": False}
    assert run_folder_mode == 0o700


@pytest.mark.usefixtures("no_container_is_left")
def test_tests_that_need_no_database_start_no_container(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Simple(SimpleTestCase):
            def test_sum(self):
                self.assertEqual(1 + 1, 2)
    """,
    )
    no_engine = {**postgresql_env, "DOCKER_HOST": "unix:///nonexistent/docker.sock"}

    done = run(project, env=no_engine)

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_an_engine_that_only_earlier_runs_needed_may_be_missing(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    """The run has asked for servers on the strength of a forecast, and hears that there is none."""
    write_tests(
        project, "class One(TestCase):\n    def test(self):\n        Author.objects.get()\n"
    )
    before = run(project, env=postgresql_env)
    write_tests(
        project,
        """
        class Simple(SimpleTestCase):
            def test_sum(self):
                # Longer than it takes to hear of the engine.
                time.sleep(2)
    """,
    )

    done = run(project, env={**postgresql_env, "DOCKER_HOST": "unix:///nonexistent/docker.sock"})

    assert (before.code, done.code) == (0, 0), before.output + done.output
    assert "engine" not in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_test_that_is_no_django_test_case_finds_the_test_database_as_under_django(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Declared(TestCase):
            def test_one(self):
                self.assertEqual(Author.objects.count(), 1)

        class Undeclared(unittest.TestCase):
            def test_one(self):
                self.assertEqual(Author.objects.count(), 1)
                self.assertTrue(connection.settings_dict["NAME"].startswith("test_"))
                copy = connection.copy()
                copy.ensure_connection()
                copy.close()
    """,
    )

    done = run(project, "--parallel", "2", env=postgresql_env)

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_queries_while_modules_are_imported_never_reach_the_configured_database(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        COUNT = Author.objects.count()
        HOST = connection.settings_dict["HOST"]

        class Late(TestCase):
            def test_count(self):
                self.assertEqual(COUNT, 1)
                self.assertIn("ctest-", HOST)
                self.assertNotEqual(HOST, connection.settings_dict["HOST"])
    """,
    )

    done = run(project, env=postgresql_env)

    assert done.code == 0, done.output


@pytest.mark.parametrize("death", ["os.kill(os.getpid(), 9)", "os._exit(0)", "os.abort()"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_test_that_ends_its_worker_is_reported_and_the_rest_of_its_class_still_runs(
    death: str, project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        f"""
        class Deadly(TestCase):
            def test_a(self):
                self.assertEqual(Author.objects.count(), 1)

            def test_b(self):
                {death}

            def test_c(self):
                self.assertEqual(Author.objects.count(), 1)

        class Other(TestCase):
            def test_d(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )

    done = run(project, "-v", "2", env=postgresql_env)

    assert done.code == 1
    assert "Ran 4 tests" in done.output
    assert "FAILED (errors=1)" in done.output
    assert "ERROR: test_b (library.test_it.Deadly.test_b)" in done.output
    assert "while it ran this test" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_an_end_of_a_worker_after_its_last_test_is_an_error_too(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Deadly(SimpleTestCase):
            @classmethod
            def tearDownClass(cls):
                os._exit(7)

            def test_a(self):
                pass
    """,
    )

    done = run(project, env=sqlite_env)

    assert done.code == 1
    assert "ERROR: after library.test_it.Deadly.test_a" in done.output
    assert "ended with exit code 7 after this test" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_an_interrupt_raised_by_a_test_does_not_pass_for_a_success(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Interrupting(SimpleTestCase):
            def test_a(self):
                raise KeyboardInterrupt

            def test_b(self):
                pass
    """,
    )

    done = run(project, env=sqlite_env)

    assert done.code == 1
    assert "Ran 2 tests" in done.output
    assert "ERROR: test_a (library.test_it.Interrupting.test_a)" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_errors_of_fixtures_are_not_told_twice_when_the_rest_of_a_module_runs_again(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        def setUpModule():
            pass

        class ABad(SimpleTestCase):
            @classmethod
            def setUpClass(cls):
                raise ValueError("in setUpClass")

            def test_never(self):
                pass

        class BDeadly(SimpleTestCase):
            def test_a(self):
                os._exit(7)

            def test_b(self):
                pass
    """,
    )

    done = run(project, env=sqlite_env)

    assert "Ran 2 tests" in done.output
    assert "FAILED (errors=2)" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_what_was_reported_is_shown_when_the_workers_cannot_go_on(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        import atexit

        class AFailing(SimpleTestCase):
            def test_a(self):
                Path(os.environ["MEET"]).touch()
                self.fail("worth knowing")

        class BDeadly(SimpleTestCase):
            def test_b(self):
                os._exit(7)
    """,
    )
    meeting = project / "meeting"
    settings = project / "outcomes" / "settings.py"
    dying = """
import os
import re
from multiprocessing import parent_process
if parent_process() and Path(os.environ["MEET"]).exists():
    os._exit(9)
"""
    settings.write_text(settings.read_text() + dying)

    done = run(
        project,
        *("--start-method", "spawn", "--parallel", "1"),
        env={**sqlite_env, "MEET": str(meeting)},
    )

    assert done.code in {1, 2}
    assert "worth knowing" in done.output
    assert "test_b" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_worker_that_ends_is_noticed_even_when_a_process_it_forked_lives_on(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Forking(SimpleTestCase):
            def test_a(self):
                child = os.fork()
                if not child:
                    os.close(1)
                    os.close(2)
                    time.sleep(120)
                    os._exit(0)
                Path(os.environ["MEET"]).write_text(str(child))
                os._exit(7)
    """,
    )
    meeting = project / "meeting"

    done = run(project, env={**sqlite_env, "MEET": str(meeting)}, seconds=60)
    os.kill(int(meeting.read_text()), signal.SIGKILL)

    assert done.code == 1
    assert "ended with exit code 7 while it ran this test" in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_a_worker_shares_what_was_loaded_before_and_collects_what_tests_leave(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        import gc, weakref

        class Large:
            pass

        LEFT = []

        class AFirst(TestCase):
            def test_a(self):
                self.itself, self.large = self, Large()
                LEFT.append(weakref.ref(self.large))

        class Second(TestCase):
            def test_b(self):
                gc.collect()
                self.assertEqual([left() for left in LEFT], [None])
                self.assertGreater(gc.get_freeze_count(), 10_000)
        """,
    )

    done = run(project, "library.test_it", "--parallel", "1", env=sqlite_env, forked=False)

    assert done.code == 0, done.output


def test_two_files_of_sqlite_with_the_same_name_in_two_folders_stay_apart(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    settings = project / "outcomes" / "settings.py"
    two = """
DATABASES["default"]["TEST"] = {"NAME": "one/test.sqlite3"}
DATABASES["other"] = {**DATABASES["default"], "TEST": {"NAME": "two/test.sqlite3"}}
"""
    settings.write_text(settings.read_text() + two)
    write_tests(
        project,
        """
        class Apart(TestCase):
            databases = "__all__"

            def test_rows(self):
                Author.objects.create(name="Only in one")
                self.assertFalse(Author.objects.using("other").filter(name="Only in one").exists())
    """,
    )

    done = run(project, env=sqlite_env)

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_two_aliases_with_one_name_on_two_servers_get_a_server_each(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    settings = project / "outcomes" / "settings.py"
    two = """
DATABASES["other"] = {**DATABASES["default"], "HOST": "other.example"}
"""
    settings.write_text(settings.read_text() + two)
    write_tests(
        project,
        """
        COUNT = Author.objects.count()
        OTHER = Author.objects.using("other").count()

        class Apart(TestCase):
            databases = "__all__"

            def test_rows(self):
                self.assertEqual((COUNT, OTHER), (1, 1))
                Author.objects.create(name="Only in one")
                self.assertFalse(Author.objects.using("other").filter(name="Only in one").exists())
    """,
    )

    done = run(project, env=postgresql_env)

    assert done.code == 0, done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_failfast_stops_after_the_first_failure(project: Path, sqlite_env: dict[str, str]) -> None:
    write_tests(
        project,
        """
        class Failing(TestCase):
            def test_a(self):
                self.fail("first")

            def test_b(self):
                self.fail("second")
    """,
    )

    done = run(project, "--failfast", env=sqlite_env)

    assert done.code == 1
    assert "FAILED (failures=1)" in done.output
