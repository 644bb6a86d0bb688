"""`hunt` finds which tests make another one fail, and what they have left behind."""

from __future__ import annotations

import json
import time
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from harness.projects import copy_of, environment, interrupt, run, start, wait_for, write_tests
from harness.tiers import further

from ctest_containers.exit_codes import ExitCode

LEAKS = {
    "test_settings": ("SettingsTests.test_rate", "django.conf.settings.RATE: 0.1 -> 0.2"),
    "test_cache": (
        "CacheTests.test_cache",
        "the entry ':1:rate' of the cache 'default' was added",
    ),
    "test_environment": (
        "EnvironmentTests.test_environment",
        "os.environ['SHOP_MODE'] was added ('night')",
    ),
    "test_folder": ("FolderTests.test_folder", "os.getcwd(): "),
    "test_file": ("FileTests.test_upload", "MEDIA_ROOT: logo.txt was added (4 bytes)"),
    "test_global": (
        "GlobalTests.test_currencies",
        "shop.prices.CURRENCIES: ['EUR'] -> ['EUR', 'USD']",
    ),
    "test_class": ("ClassTests.test_limit", "shop.prices.Basket.limit: 5 -> 50"),
    "test_thread": (
        "ThreadTests.test_poll",
        "the thread 'poller' was added (runs threading.Event.wait)",
    ),
    "test_receiver": (
        "ReceiverTests.test_receiver",
        "django.db.models.signals.post_save: the receiver shop.tests.test_a_leaks.on_save was",
    ),
    "test_patch": (
        "PatchTests.test_total",
        "shop.models.Order.total was replaced (shop/tests/test_a_leaks.py:24)",
    ),
    "test_language": ("LanguageTests.test_language", "the active language: 'en-us' -> 'de'"),
    "test_logging": ("LoggingTests.test_logging", "logging.disable: 0 -> 50"),
    "test_orders": (
        "RowTests.test_order",
        "shop_order id=1 was added (name=",
    ),
}
"""For each test that fails: the test that makes it fail, and what that leaves behind."""


@pytest.fixture(scope="module")
def leaks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project whose tests leave things behind."""
    return copy_of("leaks", tmp_path_factory.mktemp("project"))


def _findings(
    project: Path, *arguments: str, env: dict[str, str], code: int = ExitCode.PASSED
) -> dict[str, dict[str, Any]]:
    """Return what a hunt finds, by the names of the methods."""
    done = run(project, "hunt", *arguments, "--json", "--parallel", "4", env=env)
    assert done.code == code, done.output
    findings = json.loads(done.output)
    return {finding["test"].rpartition(".")[2]: finding for finding in findings}


def _left(finding: dict[str, Any]) -> list[str]:
    sentences = [(change["name"], change["text"]) for change in finding["changes"]]
    return [f"{name}{'' if text.startswith('was') else ':'} {text}" for name, text in sentences]


def _causes(finding: dict[str, Any]) -> list[str]:
    return [".".join(other.split(".")[-2:]) for other in finding["others"]]


def test_each_leak_of_the_last_run_is_found_and_named(
    leaks: Path, sqlite_env: dict[str, str]
) -> None:
    assert run(leaks, "run", "--parallel", "1", env=sqlite_env).code == ExitCode.FAILED

    findings = _findings(leaks, env=sqlite_env)

    assert findings.keys() == {*LEAKS, "test_two"}
    for name, (cause, text) in LEAKS.items():
        assert _causes(findings[name]) == [cause]
        assert any(left.startswith(text) for left in _left(findings[name])), findings[name]
        assert len(findings[name]["changes"]) <= 2, findings[name]
    assert _causes(findings["test_two"]) == [
        "FirstHalfTests.test_first",
        "SecondHalfTests.test_second",
    ]
    assert _left(findings["test_two"]) == ["shop.prices.DISCOUNTS: {} -> {'first': 1, 'second': 1}"]


def test_a_test_that_needs_another_one_is_found_without_a_run(leaks: Path, tmp_path: Path) -> None:
    env = environment(tmp_path, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})

    findings = _findings(leaks, "WithOrderTests.test_needs_an_order", env=env)

    finding = findings["test_needs_an_order"]
    assert finding["verdict"] == "passes after others"
    assert _causes(finding) == ["RowTests.test_order"]


def test_the_result_is_a_command_that_reproduces_the_failure(
    leaks: Path, sqlite_env: dict[str, str]
) -> None:
    victim, cause = "VictimTests.test_settings", "SettingsTests.test_rate"
    done = run(leaks, "hunt", victim, "--parallel", "2", env=sqlite_env)

    full, before = f"shop.tests.test_v_victims.{victim}", f"shop.tests.test_a_leaks.{cause}"
    assert f"{full} fails after {before} (found in " in done.output
    assert "test_rate left behind:\n  settings  django.conf.settings.RATE: 0.1 -> 0.2\n" in (
        done.output
    )
    assert f"python -m ctest_containers hunt {full} --after {before}\n" in done.output

    again = run(leaks, "hunt", full, "--after", before, env=sqlite_env)

    assert again.code == ExitCode.FAILED
    assert f"{full} failed after {before}." in again.output
    assert "AssertionError: 0.2 != 0.1" in again.output
    alone = run(leaks, "hunt", full, "--after", f"{before}s", env=sqlite_env)
    assert alone.code == ExitCode.SETUP_FAILED
    assert f"Did you mean {before}?" in alone.output


def test_the_order_of_another_run_can_be_replayed(
    leaks: Path, tmp_path: Path, sqlite_env: dict[str, str]
) -> None:
    log = tmp_path / "run.jsonl"
    run(leaks, "run", "--parallel", "1", "--event-log", str(log), env=sqlite_env)
    env = environment(tmp_path, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})

    findings = _findings(leaks, "VictimTests.test_class", "--run", str(log), env=env)

    assert "what its worker had run before it in run" in findings["test_class"]["order"]


@pytest.mark.parametrize(
    "vendor",
    [
        "postgresql",
        pytest.param(
            "mysql", marks=further("Rows and sequences of PostgreSQL are found by the same code.")
        ),
    ],
)
def test_rows_and_sequences_are_found_on_servers(
    leaks: Path, vendor: str, postgresql_env: dict[str, str]
) -> None:
    env = {**postgresql_env, "LEAKS_DB": vendor}
    run(leaks, "run", "--parallel", "1", "shop.tests.test_w_rows", env=env)

    rows = _findings(leaks, "VictimOfRowsTests", env=env)["test_orders"]
    sequences = _findings(leaks, "VictimOfSequenceTests", env=env)["test_key"]

    assert _causes(rows) == ["RowTests.test_order"]
    assert any(left.startswith(LEAKS["test_orders"][1]) for left in _left(rows))
    assert _causes(sequences) == ["SequenceTests.test_customer"]
    assert any(left.startswith("shop_customer") for left in _left(sequences))
    assert {change["kind"] for change in sequences["changes"]} == {"sequences"}


@further("test_rows_and_sequences_are_found_on_servers compares one database in the same way.")
def test_changes_in_several_databases_are_named_by_their_aliases(
    tmp_path: Path, postgresql_env: dict[str, str]
) -> None:
    depot = copy_of("depot", tmp_path)
    (depot / "ledger" / "tests" / "test_leak.py").write_text(
        dedent(
            """
            import unittest
            from django.db import connections
            from ledger.models import Account

            class Leak(unittest.TestCase):
                def test_it_leaves_a_row_and_a_table(self):
                    Account.objects.create(code="left", name="left")
                    with connections["legacy"].cursor() as cursor:
                        cursor.execute("CREATE TABLE left_over (id int PRIMARY KEY)")

            class Victim(unittest.TestCase):
                def test_it(self):
                    self.assertFalse(Account.objects.filter(code="left").exists())
            """
        )
    )

    finding = _findings(depot, "Victim", env=postgresql_env)["test_it"]

    assert _causes(finding) == ["Leak.test_it_leaves_a_row_and_a_table"]
    left = _left(finding)
    assert "ledger: ledger_account id=4 was added (code=left, name=left)" in left
    assert any(text.startswith("legacy: the schema: + table left_over") for text in left)
    assert "settings" not in {change["kind"] for change in finding["changes"]}


def test_a_crash_after_another_test_is_hunted_like_a_failure(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_it_leaves_a_variable(self):
                os.environ["LEFT"] = "1"

        class B(TestCase):
            def test_nothing(self):
                pass

        class C(TestCase):
            def test_it_crashes(self):
                if "LEFT" in os.environ:
                    os._exit(3)
        """,
    )
    run(project, "run", "--parallel", "1", env=sqlite_env)

    finding = _findings(project, env=sqlite_env)["test_it_crashes"]

    assert _causes(finding) == ["A.test_it_leaves_a_variable"]
    assert finding["failure"]["type_name"] == "ctest_containers.WorkerLost"


def test_a_test_that_hangs_after_another_one_is_hunted_like_a_failure(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_it_leaves_a_variable(self):
                os.environ["LEFT"] = "1"

        class C(TestCase):
            def test_it_hangs(self):
                if "LEFT" in os.environ:
                    time.sleep(60)
        """,
    )
    options = ["--timeout-per-test", "0.5"]
    run(project, "run", "--parallel", "1", *options, env=sqlite_env)

    finding = _findings(project, *options, env=sqlite_env)["test_it_hangs"]

    assert _causes(finding) == ["A.test_it_leaves_a_variable"]
    assert finding["failure"]["type_name"].endswith("TestTimedOut")


def test_a_test_that_ends_the_process_is_left_out_of_djangos_order(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_it_leaves_a_variable(self):
                os.environ["LEFT"] = "1"

        class B(TestCase):
            def test_it_ends_the_process(self):
                os._exit(3)

        class C(TestCase):
            def test_it(self):
                self.assertNotIn("LEFT", os.environ.keys())
        """,
    )

    finding = _findings(project, "C", env=sqlite_env)["test_it"]

    assert _causes(finding) == ["A.test_it_leaves_a_variable"]


def test_a_failure_that_does_not_come_back_is_not_reproducible(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_a(self):
                pass

        class B(TestCase):
            def test_it_fails_once(self):
                seen = Path(os.environ["SEEN"])
                self.addCleanup(seen.touch)
                self.assertTrue(seen.exists())
        """,
    )
    env = {**sqlite_env, "SEEN": str(project / "seen")}
    run(project, "run", "--parallel", "1", env=env)

    done = run(project, "hunt", "test_it_fails_once", env=env)

    assert done.code == ExitCode.FAILED
    assert "its failure is not reproducible: 0 of 5 replays failed" in done.output


def test_failures_that_are_not_due_to_other_tests_are_listed(
    project: Path, sqlite_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_it_fails(self):
                self.assertEqual(1, 2)

            def test_it_passes(self):
                pass
        """,
    )
    assert "nothing to hunt" not in run(project, "run", "--parallel", "1", env=sqlite_env).output

    # A trial keeps no failure, and opens no debugger.
    failures = run(project, "hunt", "--keep-failed", "3", env=sqlite_env)
    passing = run(project, "hunt", "test_it_passes", env=sqlite_env)

    assert failures.code == ExitCode.FAILED
    assert "library.test_it.A.test_it_fails fails alone, too" in failures.output
    assert passing.code == ExitCode.FAILED
    assert "There is no failure to hunt." in passing.output


def test_a_time_limit_ends_the_hunt_with_what_is_known(
    leaks: Path, sqlite_env: dict[str, str]
) -> None:
    done = run(leaks, "hunt", "VictimTests.test_cache", "--time-limit", "0.001", env=sqlite_env)

    assert done.code == ExitCode.FAILED
    assert "The time limit ended the hunt of " in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["NoTests"], "Unknown test 'NoTests'."),
        (["VictimTests"], "'VictimTests' names 13 tests."),
        (["A", "B"], "hunt takes one test, or none for the failures of the last run."),
        (["--after", "A"], "--after needs a test to run after these tests."),
        (
            ["A", "--time-limit", "soon"],
            "Invalid value 'soon' for --time-limit: must be a positive",
        ),
        (["A", "--afer", "B"], "Did you mean --after?"),
    ],
)
def test_what_cannot_be_hunted_is_refused(
    leaks: Path, tmp_path: Path, arguments: list[str], message: str
) -> None:
    env = environment(tmp_path, {"DOCKER_HOST": "unix:///nonexistent/docker.sock"})

    done = run(leaks, "hunt", *arguments, env=env)

    assert done.code == ExitCode.SETUP_FAILED
    assert message in done.output


@pytest.mark.usefixtures("no_container_is_left")
def test_ctrl_c_shows_what_is_known_and_removes_everything(
    project: Path, postgresql_env: dict[str, str]
) -> None:
    write_tests(
        project,
        """
        class A(TestCase):
            def test_a(self):
                Path(os.environ["MEET"]).touch()
                time.sleep(60)

        class B(TestCase):
            def test_b(self):
                pass
        """,
    )
    meeting = project / "meeting"
    process = start(project, "hunt", "test_b", env={**postgresql_env, "MEET": str(meeting)})
    wait_for(meeting.exists, 60, "the test")

    began = time.monotonic()
    interrupt(process)
    output, _ = process.communicate(timeout=60)

    assert process.returncode == ExitCode.INTERRUPTED, output
    assert "Interrupted." in output
    assert time.monotonic() - began < 15
