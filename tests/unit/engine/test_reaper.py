"""What is removed of dead runs, and what stays."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from unit.fakes import FakeEngine

from ctest_containers.engine import labels
from ctest_containers.engine.reaper import reap

LIVING = labels.owner(os.getpid())
DEAD = f"{LIVING.rsplit('/', 1)[0]}/12345.00"
ELSEWHERE = f"not-{socket.gethostname()}/boot/1/12345.00"
IN_CONTAINER = f"not-{socket.gethostname()}/boot/1/77/12345/c1/2026-01-01T00:00:00.5Z"


def test_only_what_dead_owners_left_is_removed() -> None:
    engine = FakeEngine()
    engine.add("dead", {labels.OWNER: DEAD})
    engine.add("living", {labels.OWNER: LIVING})
    engine.add("elsewhere", {labels.OWNER: ELSEWHERE})
    engine.add("stranger", {"org.example.owner": DEAD})

    removed = reap(engine)

    assert [container.name for container in removed] == ["dead"]
    assert engine.names() == ["living", "elsewhere", "stranger"]


def test_nothing_to_remove_is_no_trouble() -> None:
    assert reap(FakeEngine()) == []


def test_a_container_that_cannot_be_removed_does_not_save_the_others() -> None:
    engine = FakeEngine(stubborn={"first"})
    engine.add("first", {labels.OWNER: DEAD})
    engine.add("second", {labels.OWNER: DEAD})

    removed = reap(engine)

    assert [container.name for container in removed] == ["second"]
    assert engine.names() == ["first"]


@pytest.mark.parametrize("started", ["", "2026-02-02T00:00:00.5Z"], ids=["ended", "started anew"])
def test_an_owner_in_a_container_is_dead_when_that_has_ended(started: str) -> None:
    engine = FakeEngine()
    engine.running["c1"] = started
    engine.add("one", {labels.OWNER: IN_CONTAINER})

    removed = reap(engine)

    assert [container.name for container in removed] == ["one"]


def test_an_owner_in_a_container_that_runs_cannot_be_told_to_be_dead() -> None:
    engine = FakeEngine()
    engine.running["c1"] = "2026-01-01T00:00:00.5Z"
    engine.add("one", {labels.OWNER: IN_CONTAINER})

    assert reap(engine) == []


def test_a_process_that_has_ended_is_dead_though_its_container_runs() -> None:
    engine = FakeEngine()
    engine.running["c1"] = "2026-01-01T00:00:00.5Z"
    engine.add("one", {labels.OWNER: f"{DEAD}/c1/2026-01-01T00:00:00.5Z"})

    removed = reap(engine)

    assert [container.name for container in removed] == ["one"]


def test_what_is_for_a_service_is_not_removed_for_the_end_of_a_container() -> None:
    engine = FakeEngine()
    engine.add("one", {labels.OWNER: IN_CONTAINER, labels.SERVICE: "/inside/state.json"})

    assert reap(engine) == []


def test_what_a_services_file_names_stays(tmp_path: Path) -> None:
    file = tmp_path / "default.json"
    file.write_text('["kept"]')
    engine = FakeEngine()
    for name in ("kept", "half made"):
        engine.add(name, {labels.OWNER: DEAD, labels.SERVICE: str(file)})

    reap(engine)

    assert engine.names() == ["kept"]
