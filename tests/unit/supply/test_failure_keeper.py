"""Failures are kept up to a number, and what goes wrong only costs the failure that is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.errors import EngineError
from ctest_containers.events import Event, FailureKept, FailureNotKept, FailuresKept, Problem
from ctest_containers.failures.store import FailureStore
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor
from ctest_containers.servers.client import Reply
from ctest_containers.supply.failures import FailureKeeper, RunFacts
from ctest_containers.supply.pending import Export
from ctest_containers.supply.snapshot import DatabaseSnapshot
from ctest_containers.wire import KeepRequest

ANSWER = {"image_id": "sha256:1", "notes": [], "pending": "", "size": 10}


def _snapshot() -> DatabaseSnapshot:
    plan = DatabasePlan(name="test_shop", aliases=("default",), users=("shop",))
    group = DatabaseGroup(vendor=Vendor("postgresql"), number=1, databases=(plan,))
    return DatabaseSnapshot(group=group, fingerprint="f" * 64, image="localhost/ctest/shop:1")


@dataclass
class Servers:
    """The servers of workers, whose changes are archived when a test says so."""

    exports: list[Export] = field(default_factory=list)
    snapshots: tuple[Any, ...] = ()

    def has_any(self, worker: int) -> bool:
        """Whether a worker has a server."""
        return worker > 0

    def export(self, worker: int, folder: Path) -> list[Export]:
        """Begin to archive."""
        self.exports.append(Export(_snapshot(), worker, folder / "postgresql.tar.gz"))
        return self.exports[-1:]

    def finish(self, reply: Reply) -> None:
        """Let the last archive be complete, or fail."""
        self.exports[-1].file.write_bytes(b"x" * 10)
        self.exports[-1].reply = reply


@dataclass
class Made:
    """A keeper, its servers and what it reports."""

    keeper: FailureKeeper
    servers: Servers
    events: list[Event]
    store: FailureStore

    def keep(self, worker: int, test: str = "shop.Tests.test_a") -> bool | None:
        """Ask the keeper, as a pool does."""
        return self.keeper.keep(worker, _request(test))


def _request(test: str, **values: Any) -> KeepRequest:
    problem = Problem(
        type_name="AssertionError",
        module="builtins",
        message="\n1 != 2\nmore",
        text="Traceback …",
        is_failure=True,
    )
    return KeepRequest(test_id=test, index=0, problem=problem, files={}, **values)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Made]:
    """Makes a keeper of a number of failures."""
    monkeypatch.setattr("ctest_containers.failures.store.cache_folder", lambda: tmp_path / "cache")

    def made(limit: int) -> Made:
        servers: Any = Servers()
        events: list[Event] = []
        facts = RunFacts(project="shop", run="ab12cd34", folder=tmp_path, settings="shop.settings")
        keeper = FailureKeeper(limit=limit, facts=facts, servers=servers, report=events.append)
        return Made(keeper, servers, events, FailureStore.of("shop"))

    return made


def test_a_failure_is_kept_once_its_archives_are_complete(make: Callable[[int], Made]) -> None:
    made = make(2)
    assert made.keep(1) is None
    assert made.store.all() == []

    made.servers.finish(Reply(1, result=ANSWER))

    assert made.keep(1) is True
    [stored] = made.store.all()
    assert stored.failure.headline == "AssertionError: 1 != 2"
    assert [kept.file for kept in stored.failure.databases] == ["postgresql.tar.gz"]
    [event] = made.events
    assert isinstance(event, FailureKept)


def test_no_more_failures_are_kept_than_the_limit_says(make: Callable[[int], Made]) -> None:
    made = make(1)
    assert made.keep(1) is None

    assert made.keep(2) is False

    made.servers.finish(Reply(1, result=ANSWER))
    assert made.keep(1) is False
    assert len(made.store.all()) == 1


def test_an_engine_that_refuses_costs_only_the_failure(make: Callable[[int], Made]) -> None:
    made = make(2)
    made.keep(1)

    made.servers.finish(Reply(1, error=EngineError("no space left on device")))

    assert made.keep(1) is True
    assert made.store.all() == []
    [event] = made.events
    assert isinstance(event, FailureNotKept)
    assert "no space left" in event.reason
    assert list(made.store.folder.iterdir()) == []


def test_nothing_is_left_of_a_failure_whose_worker_is_gone(make: Callable[[int], Made]) -> None:
    made = make(2)
    made.keep(1)

    made.keeper.forget(1)

    assert list(made.store.folder.iterdir()) == []


def test_a_worker_that_cannot_write_its_database_says_why(make: Callable[[int], Made]) -> None:
    made = make(1)

    made.keeper.keep(1, _request("shop.Tests.test_a", trouble="OSError: disk full"))

    [event] = made.events
    assert isinstance(event, FailureNotKept)
    assert "disk full" in event.reason


def test_at_the_end_the_kept_tests_are_named_once(make: Callable[[int], Made]) -> None:
    made = make(1)
    made.keep(1)
    made.servers.finish(Reply(1, result=ANSWER))
    made.keep(1)

    made.keeper.close()
    made.keeper.close()

    assert made.events[1:] == [FailuresKept(test_ids=("shop.Tests.test_a",))]
