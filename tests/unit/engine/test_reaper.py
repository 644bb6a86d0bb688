"""What is removed of dead runs, and what stays."""

from __future__ import annotations

import os
import socket

from unit.fakes import FakeEngine

from ctest_containers.engine import labels
from ctest_containers.engine.reaper import reap

LIVING = labels.owner(os.getpid())
DEAD = f"{LIVING.rsplit('/', 1)[0]}/12345.00"
ELSEWHERE = f"not-{socket.gethostname()}/boot/1/12345.00"


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
