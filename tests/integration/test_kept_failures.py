"""The databases of a failed test are kept as they were when it failed, and nothing else changes."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import docker
from harness.kept import failures_in, opened, rows_of
from harness.projects import Finished, django, run, toolkit, write_tests

FAILING = """
    class Rows(TestCase):
        @classmethod
        def setUpTestData(cls):
            Author.objects.create(name="of the class")

        def setUp(self):
            self.addCleanup(self.check, "cleanup")
            Author.objects.create(name="of setUp")

        def tearDown(self):
            self.check("tearDown")
            Author.objects.create(name="of tearDown")

        def check(self, place):
            names = {author.name for author in Author.objects.all()}
            assert {"of the class", "of setUp"} <= names, (place, names)

        def test_fails(self):
            Author.objects.create(name="of the test")
            self.assertEqual(Author.objects.count(), 99)

        def test_next(self):
            self.assertEqual(Author.objects.filter(name__startswith="of").count(), 2)

    class Committed(TransactionTestCase):
        def test_subtests(self):
            Author.objects.create(name="before")
            with self.subTest("first"):
                self.fail("first")
            Author.objects.create(name="between")
            with self.subTest("second"):
                self.fail("second")

    class Fixture(TestCase):
        @classmethod
        def setUpTestData(cls):
            Author.objects.create(name="of the fixture")
            raise ValueError("broken")

        def test_never(self):
            pass

    class Passing(TestCase):
        def test_passes(self):
            Author.objects.create(name="not kept")

        @unittest.expectedFailure
        def test_fails_as_expected(self):
            Author.objects.create(name="nor this")
            self.fail()

    class NoDatabase(SimpleTestCase):
        def test_fails_without_a_database(self):
            self.fail()
"""


def _names(cache: Path, test: str) -> list[str]:
    """The names of the authors that were there when a test failed."""
    with opened(failures_in(cache)[test], "default", "test_outcomes") as location:
        # A text of SQLite is in quotation marks, which tell it from a number.
        return sorted(str(row[1]).strip("'") for row in rows_of(location, "library_author"))


def _check(cache: Path) -> None:
    names = _names(cache, "test_fails")
    assert {"of setUp", "of the test", "of the class"} <= set(names)
    assert "of tearDown" not in names
    assert "between" not in _names(cache, "test_subtests")
    assert "before" in _names(cache, "test_subtests")
    assert "of the fixture" in _names(cache, "Fixture)")
    assert failures_in(cache).keys() == {"test_fails", "test_subtests", "Fixture)"}


def _same_as_django(
    project: Path, env: Mapping[str, str], plain: Mapping[str, str], tmp_path: Path
) -> Finished:
    kept = toolkit(project, "--keep-failed", "9", env=env, record=tmp_path / "kept")
    serial = django(project, env=plain, record=tmp_path / "serial")
    assert kept.outcomes
    assert kept.kinds == serial.kinds
    return kept


def test_the_outcomes_are_those_of_a_run_that_keeps_nothing(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FAILING)
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    kept = _same_as_django(project, env, env, tmp_path)

    assert "The databases of 3 failed tests are kept." in kept.output
    _check(tmp_path / "cache")


def test_postgresql_keeps_what_was_not_committed(
    project: Path,
    postgresql_env: dict[str, str],
    plain_postgresql: dict[str, str],
    tmp_path: Path,
) -> None:
    write_tests(project, FAILING)
    env = {**postgresql_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    _same_as_django(project, env, {**env, **plain_postgresql}, tmp_path)

    _check(tmp_path / "cache")


def test_mysql_keeps_what_was_not_committed(
    project: Path, mysql_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FAILING)
    env = {**mysql_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    run(project, "--keep-failed", "9", env=env)

    _check(tmp_path / "cache")


def test_by_default_nothing_is_kept_where_no_person_is_watching(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FAILING)

    run(project, env={**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")})

    assert failures_in(tmp_path / "cache") == {}


def test_only_the_first_failures_are_kept(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FAILING)
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    finished = run(project, "--keep-failed", "1", env=env)

    assert len(failures_in(tmp_path / "cache")) == 1
    assert "The databases of 1 failed test are kept." in finished.output


def test_a_cache_that_cannot_be_written_keeps_nothing_and_loses_no_result(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, FAILING)
    folder = tmp_path / "cache" / "ctest_containers"
    folder.mkdir(parents=True)
    (folder / "failures").write_text("a file, not a folder")
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    finished = run(project, "--keep-failed", "9", env=env)

    assert "are not kept:" in finished.output
    assert "FAILED (failures=4, errors=1" in finished.output


LOST = """
    class Lost(TestCase):
        def test_loses_its_server(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
            open(os.environ["READY"], "w").close()
            deadline = time.time() + 60
            while not os.path.exists(os.environ["GONE"]) and time.time() < deadline:
                time.sleep(0.05)
            Author.objects.count()
"""


def test_a_test_whose_server_was_lost_says_that_nothing_could_be_kept(
    project: Path, postgresql_env: dict[str, str], engine: docker.DockerClient, tmp_path: Path
) -> None:
    body = LOST.replace(
        "open(os.environ",
        "os.system('docker kill $(docker ps -q --filter name=ctest-.*-w1-postgresql) >/dev/null');"
        " open(os.environ['GONE'], 'w').close(); open(os.environ",
    )
    del engine
    write_tests(project, body)
    paths = {"READY": str(tmp_path / "ready"), "GONE": str(tmp_path / "gone")}
    env = {**postgresql_env, "XDG_CACHE_HOME": str(tmp_path / "cache"), **paths}

    finished = run(project, "--keep-failed", "9", env={**os.environ, **env})

    assert "Its databases are not kept: their server was gone" in finished.output
    assert failures_in(tmp_path / "cache") == {}


LOCKED = """
    class Locked(TransactionTestCase):
        def setUp(self):
            self.go, self.inside = threading.Event(), threading.Event()
            self.thread = threading.Thread(target=self.write)
            self.thread.start()
            assert self.inside.wait(30)

        def write(self):
            from django.db import transaction
            with transaction.atomic():
                Author.objects.create(name="of the thread")
                self.inside.set()
                self.go.wait(60)
            connection.close()

        def tearDown(self):
            self.go.set()
            self.thread.join()

        def test_fails_while_a_thread_holds_a_lock(self):
            self.fail("as it should")

    class SetsUpAnother(TestCase):
        def test_expects_a_failing_fixture(self):
            class Inner(TestCase):
                @classmethod
                def setUpTestData(cls):
                    raise ValueError("expected")

            with self.assertRaises(ValueError):
                Inner.setUpClass()
"""


def test_a_lock_of_another_thread_delays_no_test(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    """And an error that a test expects of a class of its own is no failure."""
    write_tests(project, LOCKED)
    env = {**sqlite_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    log = tmp_path / "log.jsonl"

    finished = run(project, "--keep-failed", "9", "--event-log", str(log), env=env)

    assert "FAILED (failures=1)" in finished.output
    assert "are kept" not in finished.output.replace("1 failed test are kept", "")
    seconds = [
        event["seconds"]
        for event in map(json.loads, log.read_text().splitlines())
        if event.get("type") == "BatchFinished"
    ]
    assert max(seconds) < 30


HOST_GONE = """
    class Alone(TestCase):
        def test_fails_without_a_host(self):
            import psutil
            Author.objects.count()
            for process in psutil.Process(os.getppid()).children():
                if "servers.serve" in str(process.cmdline()):
                    process.kill()
            self.fail("as it should")

        def test_passes(self):
            Author.objects.count()
"""


def test_a_server_host_that_was_killed_keeps_nothing_and_hangs_nothing(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(project, HOST_GONE)
    env = {**postgresql_env, "XDG_CACHE_HOME": str(tmp_path / "cache")}

    finished = run(project, "--keep-failed", "9", "--parallel", "1", env=env, forked=False)

    assert "FAIL: test_fails_without_a_host" in finished.output
    assert "are not kept: " in finished.output
    assert failures_in(tmp_path / "cache") == {}
