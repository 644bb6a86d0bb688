"""What the kernel kills for its memory is said to have been, and the rest of the tests runs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from harness.engines import MEBIBYTE, answer, second_engine, way_to_the_engine
from harness.groups import join_by_settings, kills, limit, memory_group
from harness.projects import django, run, toolkit, write_tests
from harness.tiers import further


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A control group whose processes may take 400 MiB together."""
    with memory_group() as group:
        limit(group, 400 * MEBIBYTE)
        yield group


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
    join_by_settings(project, small_group)

    done = toolkit(project, "--parallel=1", env=sqlite_env, record=tmp_path / "record.json")

    assert [kind for _, kind in done.kinds] == ["success", "error", "success"], done.output
    said = "signal 9 (SIGKILL), killed by the kernel because memory ran out, while it ran this test"
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
    assert (
        "has a process that ran out of memory and was killed by the kernel; its last lines:"
        in words
    )
    assert "terminating any other active server processes" in words
    assert "The test reported:" in words


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


@further(
    "unit/capacity and test_capacity_properties have the rules, and the tests beside it what "
    "the kernel does."
)
def test_a_project_finishes_on_machines_of_1_2_and_4_gb_with_workers_as_the_rules_say(
    project: Path, postgresql_env: dict[str, str], base: str, tmp_path: Path
) -> None:
    """Processes and containers are in one control group, which has the machine's memory."""
    classes = """
        class Hungry{number}(TestCase):
            def test_it(self):
                kept = os.urandom(60 * 2**20)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT length(repeat('x', 30000000))")
                self.assertEqual(len(kept), 60 * 2**20)
    """
    write_tests(project, "".join(classes.format(number=number) for number in range(12)))
    with memory_group() as group, TemporaryDirectory(prefix="e-", dir="/tmp") as name:
        with second_engine(Path(name), base, group=group.name) as engine:
            env = {**postgresql_env, "DOCKER_HOST": engine.host}
            run(project, "library.test_it.Hungry1", env=env)
            join_by_settings(project, group)
            workers = {}
            for gibibytes in (1, 2, 4):
                limit(group, gibibytes * 1024 * MEBIBYTE)
                timings = tmp_path / f"{gibibytes}.json"
                done = toolkit(
                    project,
                    *("library.test_it", "--parallel", "8"),
                    env={**env, "TEST_TIMINGS_FILE": str(timings)},
                    record=tmp_path / "record.json",
                    forked=False,
                )
                assert [kind for _, kind in done.kinds] == ["success"] * 12, done.output
                (found,) = re.findall(r"Running in (\d+) worker", done.output)
                workers[gibibytes] = int(found)
            assert kills(group) == 0

    # 512 MiB for each, but at most 2 with less than 2 GiB; the run itself has taken some before.
    assert workers == {1: 1, 2: 2, 4: 7}


def test_the_memory_of_an_engine_elsewhere_limits_the_workers(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    facts = {"KernelVersion": "of another machine", "MemTotal": 1700 * MEBIBYTE}

    def elsewhere(method: str, path: str) -> bytes | None:
        if (method, path.rpartition("/")[2]) != ("GET", "info"):
            return None
        return answer(json.dumps(facts))

    labels = ["library.test_outcomes", "--parallel", "8", "--transport", "port"]
    with TemporaryDirectory(prefix="e-", dir="/tmp") as name:
        with way_to_the_engine(Path(name), elsewhere) as address:
            done = run(project, *labels, env={**postgresql_env, "DOCKER_HOST": address})

    assert re.search(r"Only 1\.\d GiB of memory is available to the engine", done.output)
    assert "Running in 2 workers (1." in done.output, done.output
