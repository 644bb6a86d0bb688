"""What takes too long ends as timed out, alone, with the stack of where it hung."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.projects import run, toolkit, write_tests

PYTHON_LOOP = "end = time.monotonic() + 60\n                while time.monotonic() < end: pass"
BLOCKED = {
    "C code": "import hashlib; hashlib.pbkdf2_hmac('sha256', b'x', b'y', 10**9)",
    "swallowed": "[swallow() for _ in range(100)]",
}


def test_a_test_that_takes_too_long_fails_alone_and_its_worker_goes_on(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        f"""
        import ctest_containers

        def hang_here():
                {PYTHON_LOOP}

        class Slow(TestCase):
            def test_a(self):
                try:
                    hang_here()
                except Exception:
                    pass

            def test_b(self):
                self.pid = os.getpid()

            @ctest_containers.timeout(20)
            def test_c(self):
                time.sleep(1.5)
    """,
    )

    done = toolkit(
        project, "--timeout-per-test", "1", env=sqlite_env, record=tmp_path / "record.json"
    )

    assert [kind for _, kind in done.kinds] == ["error", "success", "success"]
    words = done.outcomes[0][2]
    assert "TestTimedOut: took longer than 1 s" in words
    assert "hang_here" in words
    assert "ended with" not in done.output


def test_a_fixture_that_takes_too_long_fails_its_class_only(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class AHanging(TestCase):
            @classmethod
            def setUpTestData(cls):
                time.sleep(60)

            def test_never(self):
                pass

        class BFine(TestCase):
            def test_a(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )

    done = toolkit(
        project, "--timeout-per-test", "1", env=sqlite_env, record=tmp_path / "record.json"
    )

    assert sorted(done.kinds) == [
        ("setUpClass (library.test_it.AHanging)", "error"),
        ("test_a (library.test_it.BFine.test_a)", "success"),
    ]
    assert "FixtureTimedOut: took longer than 1 s" in done.output


@pytest.mark.parametrize("body", BLOCKED.values(), ids=BLOCKED)
def test_a_test_that_cannot_be_interrupted_is_ended_with_its_worker_and_says_where_it_was(
    body: str, project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        f"""
        def swallow():
            try:
                time.sleep(60)
            except BaseException:
                pass

        class Stuck(TestCase):
            def test_a(self):
                self.stuck_here()

            def test_b(self):
                self.assertEqual(Author.objects.count(), 1)

            def stuck_here(self):
                {body}
    """,
    )

    done = toolkit(
        project, "--timeout-per-test", "1", env=sqlite_env, record=tmp_path / "record.json"
    )

    assert [kind for _, kind in done.kinds] == ["error", "success"]
    words = done.outcomes[0][2]
    assert "Timed out: it took longer than 1 s, and could not be interrupted." in words
    assert "stuck_here" in words


@pytest.mark.usefixtures("no_container_is_left")
def test_blocked_sql_is_ended_with_its_server_and_the_rest_runs_on_a_new_one(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    settings = project / "outcomes" / "settings.py"
    # Of the two drivers, psycopg2 is the one that Python's signals cannot interrupt.
    hidden = "\nimport sys\nsys.modules['psycopg'] = None\n"
    settings.write_text(settings.read_text() + hidden)
    write_tests(
        project,
        """
        class Blocked(TestCase):
            def test_a(self):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(60)")

            def test_b(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )

    # A fork would have loaded psycopg.
    done = toolkit(
        project,
        "--timeout-per-test=1",
        env=postgresql_env,
        record=tmp_path / "record.json",
        forked=False,
    )

    assert [kind for _, kind in done.kinds] == ["error", "success"]
    assert "Timed out" in done.outcomes[0][2]


def test_a_worker_that_takes_too_long_for_a_class_is_replaced(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class Long(TestCase):
            def test_a(self):
                time.sleep(1.5)

            def test_b(self):
                time.sleep(1.5)

            def test_c(self):
                pass
    """,
    )

    options = ["--timeout-per-worker", "2", "--timeout-per-test", "0"]
    done = toolkit(project, *options, env=sqlite_env, record=tmp_path / "record.json")

    assert [kind for _, kind in done.kinds] == ["success", "error", "success"]
    assert "its worker took longer than 2 s for this class" in done.outcomes[1][2]


def test_a_run_that_takes_too_long_ends_and_accounts_for_every_test(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    body = "".join(
        f"""
        class Long{number}(TestCase):
            def test_a(self):
                time.sleep(5)

            def test_b(self):
                time.sleep(5)
    """
        for number in range(3)
    )
    write_tests(project, body)

    options = ["--timeout-global", "2", "--parallel", "2"]
    done = toolkit(project, *options, env=sqlite_env, record=tmp_path / "record.json")

    assert done.code == 1
    assert [kind for _, kind in done.kinds] == ["error"] * 6
    said = [words.splitlines()[0] for *_, words in done.outcomes]
    assert said.count("Ended: the run took longer than 2 s.") == 2
    assert said.count("Not run: the run took longer than 2 s.") == 4


def test_limits_come_from_the_environment_and_an_inversion_is_told(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class Fine(SimpleTestCase):
            def test_a(self):
                pass
    """,
    )
    limits = {"DJANGO_TEST_TIMEOUT_PER_TEST": "50", "DJANGO_TEST_TIMEOUT_PER_WORKER": "40"}

    done = run(project, env={**sqlite_env, **limits})
    refused = run(project, env={**sqlite_env, "DJANGO_TEST_TIMEOUT_GLOBAL": "-1"})

    assert done.code == 0
    assert "per test (50 s) is not below the one per worker (40 s)" in done.output
    assert refused.code == 2
    assert (
        "Invalid value '-1' for environment variable DJANGO_TEST_TIMEOUT_GLOBAL" in refused.output
    )


@pytest.mark.usefixtures("no_container_is_left")
def test_what_a_timed_out_test_left_on_its_server_does_not_block_the_next_test(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        PIDS = set()

        class Leaving(TransactionTestCase):
            def test_a(self):
                PIDS.add(os.getpid())

                def hold():
                    try:
                        with connection.cursor() as cursor:
                            cursor.execute("BEGIN")
                            cursor.execute("LOCK TABLE library_author IN ACCESS EXCLUSIVE MODE")
                            cursor.execute("SELECT pg_sleep(60)")
                    except Exception:
                        pass

                threading.Thread(target=hold, daemon=True).start()
                time.sleep(60)

            def test_b(self):
                PIDS.add(os.getpid())
                self.assertEqual(len(PIDS), 1)
                Author.objects.create(name="Free")
    """,
    )

    done = toolkit(
        project, "--timeout-per-test", "2", env=postgresql_env, record=tmp_path / "record.json"
    )

    assert [kind for _, kind in done.kinds] == ["error", "success"], done.output
    assert "TestTimedOut: took longer than 2 s" in done.outcomes[0][2]


@pytest.mark.usefixtures("no_container_is_left")
def test_a_query_that_is_interrupted_fails_its_test_alone(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    """The project's driver is psycopg, which waits in Python."""
    write_tests(
        project,
        """
        class Waiting(TestCase):
            def test_a(self):
                self.assertEqual(Author.objects.count(), 1)

            def test_b(self):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(60)")

            def test_c(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )

    done = toolkit(
        project, "--timeout-per-test", "2", env=postgresql_env, record=tmp_path / "record.json"
    )

    assert [kind for _, kind in done.kinds] == ["success", "error", "success"], done.output
    words = done.outcomes[1][2]
    assert "TestTimedOut: took longer than 2 s" in words
    assert "pg_sleep" in words


def _shorten_default(project: Path) -> None:
    """Let a test have 1.5 s where nobody has chosen a limit, and two minutes with progress."""
    settings = project / "outcomes" / "settings.py"
    short = """
import ctest_containers.limits as limits
limits.PER_TEST_SECONDS, limits.MAIN_SECONDS = 1.5, 120.0
"""
    settings.write_text(settings.read_text() + short)


def test_without_a_limit_of_its_own_a_test_that_works_is_slow_and_one_that_waits_fails(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    _shorten_default(project)
    write_tests(
        project,
        r"""
        import subprocess, sys

        WORK = "import time\nwhile time.process_time() < 2.5: pass"

        class Working(TestCase):
            @classmethod
            def setUpTestData(cls):
                exec(WORK, {})

            def test_a(self):
                subprocess.run([sys.executable, "-c", WORK], check=True)

            def test_b(self):
                pass

        class Waiting(TestCase):
            def test_a(self):
                threading.Event().wait(60)
    """,
    )

    done = toolkit(project, "--parallel=2", env=sqlite_env, record=tmp_path / "record.json")

    assert sorted(done.kinds) == [
        ("test_a (library.test_it.Waiting.test_a)", "error"),
        ("test_a (library.test_it.Working.test_a)", "success"),
        ("test_b (library.test_it.Working.test_b)", "success"),
    ]
    assert "TestTimedOut: made no progress for 1.5 s" in done.output
    assert "Slow: setUpClass (library.test_it.Working) has run for" in done.output
    assert "Slow: library.test_it.Working.test_a has run for" in done.output


WAITS_FOR_A_SERVER = """
    class Asking(TransactionTestCase):
        def test_a_long_statement(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT {sleep}(3)")

        def test_b_short_statements(self):
            for _ in range(12):
                time.sleep(0.25)
                self.assertEqual(Author.objects.count(), 0)

        def test_c_a_lock_that_never_comes(self):
            other = connection.copy()
            Author.objects.create(name="Held")
            other.ensure_connection()
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("UPDATE library_author SET name = 'Changed'")
            try:
                Author.objects.update(name="Mine")
            finally:
                other.close()
"""


def _assert_only_the_lock_fails(project: Path, env: dict[str, str], record: Path) -> None:
    done = toolkit(project, env=env, record=record)

    assert [kind for _, kind in done.kinds] == ["success", "success", "error"], done.output
    assert "made no progress for 1.5 s" in done.outcomes[2][2]


@pytest.mark.usefixtures("no_container_is_left")
def test_a_test_whose_server_works_for_it_makes_progress(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    _shorten_default(project)
    write_tests(project, WAITS_FOR_A_SERVER.format(sleep="pg_sleep"))

    _assert_only_the_lock_fails(project, postgresql_env, tmp_path / "record.json")


@pytest.mark.usefixtures("no_container_is_left")
def test_a_test_whose_server_works_for_it_makes_progress_on_mysql(
    project: Path, mysql_env: dict[str, str], tmp_path: Path
) -> None:
    _shorten_default(project)
    write_tests(project, WAITS_FOR_A_SERVER.format(sleep="SLEEP"))

    _assert_only_the_lock_fails(project, mysql_env, tmp_path / "record.json")
