"""What nodes tell becomes the events of one run, each test reported once."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from harness.batches import Case, batches_of

from ctest_containers.cluster import pool as pool_module
from ctest_containers.cluster.link import Departed, LinkEvent, Ready, Update
from ctest_containers.cluster.pool import ClusterPool
from ctest_containers.errors import ClusterError
from ctest_containers.events import (
    ContainersLeft,
    Event,
    NodeSilent,
    OutcomeKind,
    RunTimedOut,
    TemplatePulled,
    TestFinished,
    TestOutcome,
    TestStarted,
)
from ctest_containers.limits import Limit
from ctest_containers.project.suite import Batch
from ctest_containers.wire import RunBatch

Script = Callable[["FakeLink", str, RunBatch], Sequence[LinkEvent]]


def _run_test(index: int, worker: int = 1) -> list[Event]:
    name = Case().id()
    success = OutcomeKind.SUCCESS
    return [
        TestStarted(worker=worker, index=index, test_id=name),
        TestOutcome(worker=worker, index=index, test_id=name, kind=success),
        TestFinished(worker=worker, index=index, seconds=0.1),
    ]


class FakeLink:
    """Nodes that do what a script says with each batch."""

    def __init__(self, batches: Sequence[Batch], script: Script, nodes: Sequence[str]) -> None:
        self._batches = batches
        self._script = script
        self.told: deque[LinkEvent] = deque(Ready(node, 1, node) for node in nodes)
        self.sent: list[tuple[str, RunBatch]] = []
        self.stopped = self.closed = self.at_once = False
        self.left: list[str] = []
        self.alive: Sequence[str] = ()
        self.expected = 0

    def receive(self, timeout_seconds: float) -> Sequence[LinkEvent]:
        found = list(self.told)
        self.told.clear()
        if not found:
            time.sleep(min(timeout_seconds, 0.01))
        return [*found, *(Update(node) for node in self.alive)]

    def send(self, node: str, command: RunBatch) -> None:
        self.sent.append((node, command))
        self.told.extend(self._script(self, node, command))

    def stop(self) -> None:
        self.stopped = True

    def close(self, *, at_once: bool) -> Sequence[str]:
        self.closed = True
        self.at_once = at_once
        return self.left

    def run(self, node: str, command: RunBatch) -> Update:
        """What a node says of a batch that it runs to its end."""
        indices = self._batches[command.batch].indices
        events = [one for index in indices if index not in command.skip for one in _run_test(index)]
        return Update(node, events, [command.batch])


def _well(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
    return [link.run(node, command)]


def _run(
    batches: list[Batch],
    script: Script = _well,
    *,
    nodes: Sequence[str] = ("a", "b"),
    whole_run: Limit | None = None,
    left: Sequence[str] = (),
) -> tuple[list[Event], FakeLink]:
    events: list[Event] = []
    link = FakeLink(batches, script, nodes)
    link.left = list(left)
    pool = ClusterPool(
        batches=batches,
        link=link,
        report=events.append,
        stopping=lambda: False,
        whole_run=whole_run,
        expected={},
        wait_seconds=0.05,
    )
    try:
        pool.run()
    finally:
        assert link.closed
    return events, link


def _outcomes(events: list[Event]) -> Counter[int | None]:
    return Counter(one.index for one in events if isinstance(one, TestOutcome))


def test_every_test_is_reported_once() -> None:
    events, _ = _run(batches_of([2, 1, 3]))

    assert _outcomes(events) == Counter(range(6))


def test_what_a_node_tells_before_it_is_ready_is_reported_and_after_it_has_left_is_not() -> None:
    def pulled(layers: int) -> TemplatePulled:
        return TemplatePulled(
            group="g", fingerprint="f", registry="r", seconds=1.0, layers=layers, present=2
        )

    def lose_a(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        if node == "a":
            return [Departed("a", "it is gone"), Update("a", [pulled(1)])]
        return [Update("c", [pulled(2)]), link.run(node, command)]

    events, _ = _run(batches_of([1, 1]), lose_a)

    assert pulled(2) in events
    assert pulled(1) not in events


def test_workers_of_different_nodes_have_different_numbers() -> None:
    events, _ = _run(batches_of([1, 1]))

    assert {one.worker for one in events if isinstance(one, TestStarted)} == {1, 2}


def test_a_test_that_was_reported_on_in_part_when_its_node_was_lost_is_reported_anew() -> None:
    def lose_a(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        if node != "a":
            return [link.run(node, command)]
        first = link._batches[command.batch].first
        return [Update("a", _run_test(first)[:2]), Departed("a", "it is gone")]

    events, _ = _run(batches_of([2, 2]), lose_a)

    assert _outcomes(events) == Counter(range(4))


def test_tests_that_have_ended_on_a_lost_node_are_not_run_again() -> None:
    def lose_a(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        if node != "a":
            return [link.run(node, command)]
        first = link._batches[command.batch].first
        return [Update("a", _run_test(first)), Departed("a", "it is gone")]

    events, link = _run(batches_of([2]), lose_a, nodes=["a", "b"])

    assert _outcomes(events) == Counter(range(2))
    assert link.sent[-1] == ("b", RunBatch(batch=0, skip=(0,), careful=2))


def test_a_silent_node_is_told_of_and_others_run_what_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pool_module, "SILENT_SECONDS", 0.05)

    def a_is_silent(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        link.alive = ["b"]
        return [] if node == "a" else [link.run(node, command)]

    events, link = _run(batches_of([1, 1, 1]), a_is_silent)

    assert _outcomes(events) == Counter(range(3))
    assert [one.node for one in events if isinstance(one, NodeSilent)].count("a") == 1
    assert {command.batch for node, command in link.sent if node == "b"} == {0, 1, 2}


def test_what_a_silent_node_says_after_another_one_was_quicker_is_not_reported() -> None:
    batches = batches_of([1])

    def twice(_: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        return [Update(node, [*_run_test(0), *_run_test(0)], [command.batch])]

    events, _ = _run(batches, twice)

    assert _outcomes(events) == Counter([0])


def test_a_cluster_without_nodes_ends_the_run() -> None:
    with pytest.raises(ClusterError, match="No Dask worker has joined"):
        _run(batches_of([1]), nodes=[])


def test_a_cluster_whose_nodes_all_refuse_ends_the_run_with_the_reasons() -> None:
    batches = batches_of([1])
    link = FakeLink(batches, _well, [])
    link.told.append(Departed("a", "it has no Django", refused=True))
    pool = ClusterPool(
        batches=batches,
        link=link,
        report=lambda _: None,
        stopping=lambda: False,
        whole_run=None,
        expected={},
        wait_seconds=60.0,
    )

    with pytest.raises(ClusterError, match="a: it has no Django"):
        pool.run()

    assert pool.not_run == 1


@pytest.mark.parametrize("limit", [Limit(0.01), Limit(0.01, idle_only=True)])
def test_a_run_that_takes_too_long_accounts_for_every_test(limit: Limit) -> None:
    def hang(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        first = link._batches[command.batch].first
        (started, *_) = _run_test(first)
        assert isinstance(started, TestStarted)
        return [Update(node, [replace(started, idle_only=limit.idle_only)])]

    events, link = _run(batches_of([2, 1]), hang, nodes=["a"], whole_run=limit)

    assert link.at_once
    assert any(isinstance(one, RunTimedOut) for one in events)
    assert _outcomes(events) == Counter(range(3))


def test_the_default_limit_of_a_run_counts_from_the_end_of_the_last_test() -> None:
    def slowly(link: FakeLink, node: str, command: RunBatch) -> Sequence[LinkEvent]:
        time.sleep(0.1)
        return _well(link, node, command)

    events, _ = _run(
        batches_of([1, 1, 1, 1]), slowly, nodes=["a"], whole_run=Limit(0.2, idle_only=True)
    )

    assert not any(isinstance(one, RunTimedOut) for one in events)
    assert [one.index for one in events if isinstance(one, TestFinished)] == [0, 1, 2, 3]


def test_what_nodes_could_not_remove_is_told() -> None:
    events, _ = _run(batches_of([1]), left=["ctest-x on a"])

    assert [one.containers for one in events if isinstance(one, ContainersLeft)] == [
        ("ctest-x on a",)
    ]
