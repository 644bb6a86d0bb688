"""What the kernel kills for its memory is said to have been, and the rest of the tests runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness.projects import django, toolkit, wait_for, write_tests

GROUPS = Path("/sys/fs/cgroup")
LIMIT_BYTES = 400 * 2**20


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group whose processes may take 400 MiB together."""
    by_controller = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if by_controller else GROUPS) / f"ctest-tests-{os.getpid()}"
    group.mkdir()
    limits = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes", "memory.max"]
    for name in limits:
        if (group / name).exists():
            (group / name).write_text(str(LIMIT_BYTES))
    yield group
    wait_for(lambda: not (group / "cgroup.procs").read_text(), 30, "the end of the group")
    with suppress(OSError):
        group.rmdir()


def test_a_worker_that_the_kernel_kills_for_its_memory_is_said_to_have_been(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path, small_group: Path
) -> None:
    write_tests(
        project,
        """
        class Greedy(TestCase):
            def test_a(self):
                self.assertEqual(Author.objects.count(), 1)

            def test_b(self):
                self.kept = [os.urandom(2**20) for _ in range(2000)]

            def test_c(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )
    settings = project / "outcomes" / "settings.py"
    # Whoever loads the project first is the run's parent; its children are born into the group.
    join = f"\nPath({str(small_group / 'cgroup.procs')!r}).write_text('0')\n"
    settings.write_text(settings.read_text() + join)

    done = toolkit(project, "--parallel=1", env=sqlite_env, record=tmp_path / "record.json")

    assert [kind for _, kind in done.kinds] == ["success", "error", "success"], done.output
    said = "signal 9 (SIGKILL), killed by the kernel for memory, while it ran this test"
    assert said in done.outcomes[1][2]


def test_a_worker_that_somebody_kills_is_not_said_to_have_died_of_its_memory(
    project: Path, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class Killed(TestCase):
            def test_a(self):
                os.kill(os.getpid(), 9)
    """,
    )

    done = toolkit(project, env=sqlite_env, record=tmp_path / "record.json")

    assert "signal 9 (SIGKILL) while it ran this test" in done.outcomes[0][2]


@pytest.mark.usefixtures("no_container_is_left")
def test_a_query_that_the_kernel_kills_for_its_memory_is_named_and_its_server_replaced(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class Greedy(TestCase):
            def test_a(self):
                self.assertEqual(Author.objects.count(), 1)

            def test_b(self):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT length(repeat('x', 900000000))")

            def test_c(self):
                self.assertEqual(Author.objects.count(), 1)
    """,
    )
    limit = ["--server-memory", "128m", "--parallel=1"]

    done = toolkit(project, *limit, env=postgresql_env, record=tmp_path / "record.json")

    assert [kind for _, kind in done.kinds] == ["success", "error", "success"], done.output
    words = done.outcomes[1][2]
    assert "had a process killed by the kernel for memory; its last lines:" in words
    assert "terminating any other active server processes" in words
    assert "The test itself said:" in words


@pytest.mark.usefixtures("no_container_is_left")
def test_a_connection_that_a_test_ends_itself_has_the_effects_that_it_has_under_django(
    project: Path,
    postgresql_env: dict[str, str],
    plain_postgresql: dict[str, str],
    tmp_path: Path,
) -> None:
    write_tests(
        project,
        """
        PIDS = set()

        class Ending(TransactionTestCase):
            def test_a(self):
                PIDS.add(os.getpid())
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

            def test_b(self):
                PIDS.add(os.getpid())
                self.assertEqual(len(PIDS), 1)
    """,
    )

    reachable = {**postgresql_env, **plain_postgresql}
    expected = django(project, env=reachable, record=tmp_path / "truth.json")

    done = toolkit(project, "--parallel=1", env=postgresql_env, record=tmp_path / "record.json")

    assert done.kinds == expected.kinds
    assert "terminating connection due to administrator command" in done.output
    assert "The server ctest" not in done.output
