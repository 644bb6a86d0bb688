"""Each test is reported once, whatever becomes of the nodes that ran it."""

from __future__ import annotations

from harness.batches import batches_of

from ctest_containers.cluster.relay import EventRelay, Node
from ctest_containers.events import Event, TestFinished, TestStarted
from ctest_containers.workers.batch_progress import Work


def test_the_end_of_a_test_that_another_node_was_quicker_with_is_no_end() -> None:
    events: list[Event] = []
    batches = batches_of([1])
    relay = EventRelay(batches, {0: Work(batches[0])}, events.append)
    quick, slow = Node(last_contact=0.0), Node(last_contact=0.0)
    for node in (quick, slow):
        relay.pass_on(node, TestStarted(worker=1, index=0, test_id="shop.Tests.test_a"))
    end = TestFinished(worker=1, index=0, seconds=1.0)

    assert relay.pass_on(quick, end)
    assert not relay.pass_on(slow, end)
    assert sum(isinstance(event, TestFinished) for event in events) == 1
