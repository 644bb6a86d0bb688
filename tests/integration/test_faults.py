"""Faults injected for real: whatever ends, every test is accounted for, and ends exactly once."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

import docker
import psutil
import pytest
from harness.projects import TESTS, start, toolkit, wait_for, write_tests
from harness.tiers import further

from ctest_containers.engine import labels

TESTS_EACH = 10


@pytest.mark.usefixtures("no_container_is_left")
def test_a_server_that_ends_is_named_with_its_last_words_and_the_rest_runs_on_another(
    project: Path, postgresql_env: dict[str, str], tmp_path: Path
) -> None:
    write_tests(
        project,
        """
        class Deadly(TransactionTestCase):
            def test_a(self):
                self.assertEqual(Author.objects.count(), 1)

            def test_b(self):
                with connection.cursor() as cursor:
                    cursor.execute("COPY (SELECT 1) TO PROGRAM 'kill -QUIT 1; sleep 5'")

            def test_c(self):
                # As in a serial run, where the tests before it have flushed.
                self.assertEqual(Author.objects.count(), 0)
    """,
    )

    done = toolkit(project, env=postgresql_env, record=tmp_path / "record.json")

    assert [kind for _, kind in done.kinds] == ["success", "error", "success"], done.output
    words = done.outcomes[1][2]
    assert "-w1-postgresql-1 ended with exit code 0; its last lines:" in words
    assert "received immediate shutdown request" in words
    assert "The test reported:" in words


@pytest.mark.parametrize(
    ("seed", "kills"),
    [(1, 10), *(pytest.param(seed, 20, marks=further("More kills.")) for seed in (2, 3))],
)
@pytest.mark.usefixtures("no_container_is_left")
def test_random_kills_of_workers_and_servers_lose_no_test(
    seed: int,
    kills: int,
    project: Path,
    postgresql_env: dict[str, str],
    tmp_path: Path,
    engine: docker.DockerClient,
) -> None:
    classes = kills + 4
    body = "".join(
        f"""
        class Test{number:02}(TestCase):
            def check(self):
                self.assertEqual(Author.objects.count(), 1)
                time.sleep(0.2)
                Author.objects.create(name="Own")
    """
        + "".join(
            f"""
            def test_{each}(self):
                self.check()
    """
            for each in range(TESTS_EACH)
        )
        for number in range(classes)
    )
    write_tests(project, body)
    chance = random.Random(seed)  # Not for secrets.
    record = tmp_path / "record.json"
    recording = {"RECORDED_OUTCOMES": str(record), "PYTHONPATH": str(TESTS)}
    first = "library.test_it.Test00.test_0"
    toolkit(project, first, env=postgresql_env, record=tmp_path / "first.json")
    process = start(
        project,
        *("--parallel", "3", "--testrunner=harness.recording.RecordingRunner"),
        env={**postgresql_env, **recording},
    )
    mine: dict[str, str | list[str] | bool] = {
        "label": f"{labels.OWNER}={labels.owner(process.pid)}"
    }
    wait_for(
        lambda: len(engine.containers.list(sparse=True, filters=mine)) == 3,
        60,
        "the start of the servers",
    )

    killed = Counter[str]()
    while sum(killed.values()) < kills and process.poll() is None:
        time.sleep(chance.uniform(0.25, 0.75))
        # What was chosen may just have ended by itself, or not be there yet.
        with suppress(psutil.NoSuchProcess, docker.errors.APIError, IndexError):
            if chance.random() < 0.5:
                chance.choice(workers_of(process.pid)).kill()
                killed["worker"] += 1
            else:
                chance.choice(engine.containers.list(sparse=True, filters=mine)).kill()
                killed["server"] += 1
    output, _ = process.communicate(timeout=240)

    outcomes = json.loads(record.read_text())["outcomes"]
    each = Counter(test for test, _, _ in outcomes if test.startswith("test_"))
    assert len(each) == classes * TESTS_EACH, output[-3000:]
    assert set(each.values()) == {1}
    errors = [words for _, kind, words in outcomes if kind == "error"]
    assert [words for words in errors if "ended with" not in words] == []
    assert len(errors) <= sum(killed.values())
    assert sum(killed.values()) == kills
    assert len(killed) == 2


def workers_of(parent: int) -> list[psutil.Process]:
    """The worker processes of a run."""
    children = psutil.Process(parent).children()
    return [one for one in children if "servers.serve" not in " ".join(one.cmdline())]
