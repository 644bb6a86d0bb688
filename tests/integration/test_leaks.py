"""What classes leave in their databases is found, named once, and removed if that is asked for."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent
from typing import Any
from xml.etree import ElementTree as ET

import docker
import pytest
from harness.planted_leaks import LEAKS, plant
from harness.projects import PROJECTS, Finished, assert_agree, copy_of, environment, run, toolkit
from harness.tiers import further

SHOP = PROJECTS / "shop"
Env = dict[str, str]


def leaks_of(log: Path) -> list[tuple[str, str, int | None]]:
    """Each owner of a leak, with a table and how many rows it has more; None for a new table."""
    events = map(json.loads, log.read_text().splitlines())
    return [
        (
            event["owners"][-1].removeprefix("library.test_it."),
            table["table"],
            None if table["before"] is None else table["after"] - table["before"],
        )
        for event in events
        if event.get("type") == "LeakDetected"
        for table in event["tables"]
    ]


def leaking(project: Path, env: Env, *options: str) -> tuple[Finished, list[Any]]:
    log = project / "events.jsonl"
    done = run(project, "--parallel", "2", "--event-log", str(log), *options, env=env)
    return done, leaks_of(log)


@pytest.mark.usefixtures("engine")
def test_planted_leaks_of_each_kind_are_all_named_once(project: Path, vendor_env: Env) -> None:
    plant(project)

    done, leaks = leaking(project, vendor_env, "--leaks", "report")

    assert done.code == 0, done.output
    assert sorted(leaks) == sorted((owner, *leak) for owner, leak in LEAKS.items())
    assert done.output.count("Leak: ") == len(LEAKS)
    assert (
        "Leak: library.test_it.PlainTests left changes in the database 'default': " in done.output
    )


def test_leaks_fail_the_run_with_sentences_of_their_own(project: Path, sqlite_env: Env) -> None:
    plant(project)

    done, leaks = leaking(project, sqlite_env, "--leaks", "fail", "--junit", "junit.xml")

    assert done.code == 1
    assert len(leaks) == len(LEAKS)
    assert f"FAILED (failures={len(LEAKS)}, skipped=1)" in done.output
    assert "FAIL: leaks in 'default' (library.test_it.ThreadTests)" in done.output
    assert "Leak: " not in done.output
    suites = ET.parse(project / "junit.xml").getroot()  # Our own.
    assert suites.get("failures") == str(len(LEAKS))


def test_a_leak_lets_no_test_run_again(project: Path, sqlite_env: Env) -> None:
    plant(project)

    done, leaks = leaking(project, sqlite_env, "--leaks", "report", "--rerun", "1")

    assert done.code == 0
    assert "running again" not in done.output
    assert sorted(leaks) == sorted((owner, *leak) for owner, leak in LEAKS.items())


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("engine")
def test_outcomes_are_the_same_while_leaks_are_reported(
    project: Path, vendor: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")
    record = tmp_path / "outcomes.json"

    usual = toolkit(project, "--parallel", "2", env=env, record=record)
    watched = toolkit(project, "--parallel", "2", "--leaks", "report", env=env, record=record)

    assert_agree(usual, watched)


FOLLOWERS = """
    import unittest

    from library.models import Author


    class LeakingTests(unittest.TestCase):
        databases = {"default"}

        def test(self):
            Author.objects.create(name="left behind")


    class NextTests(unittest.TestCase):
        databases = {"default"}

        def test(self):
            self.assertFalse(Author.objects.filter(name="left behind").exists())
"""


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql"])
@pytest.mark.usefixtures("engine")
def test_the_next_class_finds_the_rows_of_the_template(
    project: Path, vendor: str, request: pytest.FixtureRequest
) -> None:
    for file in (project / "library").glob("test_*.py"):
        file.unlink()
    (project / "library" / "test_it.py").write_text(dedent(FOLLOWERS))
    env = request.getfixturevalue(f"{vendor}_env")
    found = [("LeakingTests", "library_author", 1)]

    reported, leaks = leaking(project, env, "--leaks", "report", "--parallel", "1")
    assert (reported.code, leaks) == (1, found), reported.output

    reset, leaks = leaking(project, env, "--leaks", "reset", "--parallel", "1")
    assert (reset.code, leaks) == (0, found), reset.output


@pytest.mark.parametrize(
    "vendor", ["sqlite", pytest.param("postgresql", marks=further("SQLite has the same tests."))]
)
@pytest.mark.parametrize(
    "seed",
    ["1", *(pytest.param(str(seed), marks=further("One more order.")) for seed in range(2, 21))],
)
@pytest.mark.usefixtures("engine")
def test_nothing_is_reported_for_shuffled_tests_that_leave_nothing(
    vendor: str, seed: str, request: pytest.FixtureRequest
) -> None:
    env = request.getfixturevalue(f"{vendor}_env")
    labels = [] if vendor == "postgresql" or seed != "1" else ["orders", "content", "catalog"]

    done = run(SHOP, "--leaks", "fail", "--shuffle", seed, "--parallel", "2", *labels, env=env)

    assert done.code == 0, done.output


SEVERAL = """
    import unittest

    from django.db import connections


    class LeakingTests(unittest.TestCase):
        databases = {"default", "legacy"}

        def test(self):
            for alias in self.databases:
                with connections[alias].cursor() as cursor:
                    cursor.execute("CREATE TABLE left_behind (id INTEGER PRIMARY KEY)")
"""


@pytest.mark.parametrize("flavour", ["mariadb"])
def test_each_database_is_watched(
    flavour: str, cache: Path, engine: docker.DockerClient, tmp_path: Path
) -> None:
    del engine
    project = copy_of("depot", tmp_path)
    (project / "ledger" / "test_leaks.py").write_text(dedent(SEVERAL))
    nowhere = {"DEPOT_PG_PORT": "1", "DEPOT_MYSQL_PORT": "1"}
    env = environment(cache, {**nowhere, "CTEST_CONTAINERS_MYSQL_IMAGE": flavour})
    log = project / "events.jsonl"

    done = run(project, "ledger.test_leaks", "--leaks", "report", "--event-log", str(log), env=env)

    assert done.code == 0, done.output
    events = map(json.loads, log.read_text().splitlines())
    aliases = {event["alias"] for event in events if event.get("type") == "LeakDetected"}
    assert aliases == {"default", "legacy"}


@pytest.mark.usefixtures("engine")
def test_pytest_refuses_to_look_for_leaks(project: Path, sqlite_env: Env) -> None:
    (project / "pytest.ini").write_text("[pytest]\nDJANGO_SETTINGS_MODULE = outcomes.settings\n")
    env = {**sqlite_env, "CTEST_CONTAINERS_LEAKS": "report"}

    done = run(project, "--ctest", env=env, module="pytest")

    assert done.code == 4
    assert "pytest --ctest cannot look for leaks" in done.output
