"""The link to the nodes of a Dask cluster."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from ctest_containers.cluster import on_node
from ctest_containers.cluster.link import Departed, LinkEvent, Ready, Update
from ctest_containers.cluster.messages import (
    Alive,
    BatchEnded,
    NodeClosed,
    NodeFailed,
    NodeReady,
    decode,
)
from ctest_containers.cluster.spec import NodeSpec
from ctest_containers.errors import ClusterError
from ctest_containers.events import Event
from ctest_containers.wire import Quit, RunBatch, encode

POLL_SECONDS: Final = 0.5
"""How long to wait between two requests for the list of Dask workers."""

PAUSE_FACTOR: Final = 20
"""After a slow request, the pause is this many times as long as the request took."""

HEARTBEAT_SECONDS: Final = 10.0
"""How often the parent sends nodes a sign of life."""

CLOSE_SECONDS: Final = 90.0
"""How long all nodes together may take to remove what they started."""

MAX_DONE_TASKS: Final = 64
"""Tasks that are done are forgotten after about this many new ones."""

RESOURCE: Final = "ctest"
"""The Dask resource with which a worker declares how many containers it can carry."""


class DaskLink:
    """See `Link`.

    Args:
        client: What `connect` returns; the link closes it.
    """

    def __init__(self, client: Any, spec: NodeSpec) -> None:
        self._client = client
        self._spec = spec
        self._topic = f"ctest-{spec.run}"
        self._messages: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._slots: dict[str, int] = {}
        self._hosts: dict[str, str] = {}
        self._resources: dict[str, int] = {}
        self._starting: dict[str, Any] = {}
        self._departed: set[str] = set()
        self._tasks: list[Any] = []
        self._max_tasks = MAX_DONE_TASKS
        self._pause = POLL_SECONDS
        self._polled = self._heartbeat_sent = float("-inf")
        client.subscribe_topic(self._topic, self._on_message)

    @property
    def expected(self) -> int:
        """See `Link`."""
        return len(self._slots) + len(self._starting)

    def receive(self, timeout_seconds: float) -> Sequence[LinkEvent]:
        """See `Link`."""
        events: list[LinkEvent] = list(self._poll())
        try:
            message = self._messages.get(timeout=0.0 if events else timeout_seconds)
            while True:
                events += self._events_of(message)
                message = self._messages.get_nowait()
        except queue.Empty:
            return events

    def send(self, node: str, command: RunBatch) -> None:
        """See `Link`."""
        self._submit(node, on_node.run_batch, command.batch, encode(command), counted=True)

    def stop(self) -> None:
        """See `Link`."""
        for node in self._slots:
            self._submit(node, on_node.send, encode(Quit()))

    def close(self, *, at_once: bool) -> Sequence[str]:
        """See `Link`."""
        # A node whose first task has not run has started nothing, and may never answer.
        begun = [node for node, task in self._starting.items() if task.done()]
        for node, task in self._starting.items():
            if node not in begun:
                task.cancel()
        nodes = [*self._slots, *begun]
        deadline = time.monotonic() + CLOSE_SECONDS
        remaining: list[str] = []
        ends: dict[str, Any] = {}
        failures: dict[str, Exception] = {}
        # Dask may raise anything, for example if the scheduler or a node is gone.
        for node in nodes:
            try:
                ends[node] = self._submit(node, on_node.end, at_once)
            except Exception as error:  # noqa: BLE001
                failures[node] = error
        for node, task in ends.items():
            try:
                left = task.result(timeout=max(0.1, deadline - time.monotonic()))
                remaining += [f"{name} on {node}" for name in left]
            except Exception as error:  # noqa: BLE001
                failures[node] = error
        remaining += [
            f"whatever the node {node} started ({type(error).__name__})"
            for node, error in failures.items()
        ]
        with suppress(Exception):
            self._client.unsubscribe_topic(self._topic)
        cluster = self._client.cluster
        self._client.close(timeout=5)
        if cluster is not None:
            cluster.close(timeout=10)
        return remaining

    def _submit(
        self,
        node: str,
        function: Callable[..., object],
        *arguments: object,
        counted: bool = False,
    ) -> Any:
        """Call a function with the run's id on a Dask worker, and on no other."""
        task = self._client.submit(
            function,
            self._spec.run,
            *arguments,
            workers=[node],
            allow_other_workers=False,
            pure=False,
            retries=0,
            resources={RESOURCE: 1} if counted and self._resources.get(node) else None,
        )
        self._tasks.append(task)
        if len(self._tasks) > self._max_tasks:
            # Dask cancels a task whose future is garbage, so futures stay until tasks are done.
            self._tasks = [task for task in self._tasks if not task.done()]
            self._max_tasks = 2 * len(self._tasks) + MAX_DONE_TASKS
        return task

    def _poll(self) -> Sequence[LinkEvent]:
        """Start nodes on new Dask workers, and return which nodes have left.

        Raises:
            ClusterError: The scheduler is gone.
        """
        now = time.monotonic()
        if now - self._polled < self._pause:
            return ()
        client = self._client
        if client.status == "closed" or client.scheduler is None:
            raise ClusterError("The connection to the cluster's scheduler was lost.")
        try:
            # `scheduler_info` may return the answer to a simultaneous request of the client's
            # background task, which has no workers.
            workers = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
        except OSError:
            # The client reconnects, or closes.
            self._polled = now
            return ()
        except Exception as error:
            raise ClusterError(
                f"The connection to the cluster's scheduler was lost: {error}."
            ) from error
        self._polled = time.monotonic()
        self._pause = max(POLL_SECONDS, PAUSE_FACTOR * (self._polled - now))
        known = {*self._slots, *self._starting, *self._departed}
        self._start({node: facts for node, facts in workers.items() if node not in known})
        present = [*self._slots, *self._starting]
        lost = [node for node in present if node not in workers]
        events: list[LinkEvent] = [
            self._depart(node, "its Dask worker left the cluster") for node in lost
        ]
        for node, task in list(self._starting.items()):
            if task.done() and (problem := _problem_of(task)):
                events.append(self._depart(node, problem))
        if now - self._heartbeat_sent > HEARTBEAT_SECONDS:
            self._heartbeat_sent = now
            for node in self._slots:
                self._submit(node, on_node.send, b"")
        return events

    def _start(self, fresh: Mapping[str, Mapping[str, Any]]) -> None:
        """Start nodes on Dask workers."""
        if not fresh:
            return
        # The call goes through the scheduler, as workers may not reach each other. It returns when
        # all have answered, which a hanging worker never does; so it gets a thread.
        threading.Thread(
            target=self._client.run,
            args=(on_node.keep, self._spec),
            kwargs={"workers": list(fresh), "on_error": "ignore"},
            daemon=True,
        ).start()
        for node, facts in fresh.items():
            self._hosts[node] = str(facts.get("name") or facts.get("host") or node)
            declared = int(dict(facts.get("resources") or {}).get(RESOURCE, 0))
            self._resources[node] = declared
            self._starting[node] = self._client.submit(
                on_node.begin,
                self._spec.run,
                self._topic,
                declared or None,
                workers=[node],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )

    def _depart(self, node: str, reason: str) -> Departed:
        refused = self._slots.pop(node, None) is None
        self._starting.pop(node, None)
        self._departed.add(node)
        return Departed(node, reason, refused=refused)

    def _on_message(self, message: Any) -> None:
        """Queue a message; Dask calls this in another thread."""
        _, content = message
        self._messages.put(content)

    def _events_of(self, message: dict[str, Any]) -> list[LinkEvent]:
        node = str(message["node"])
        if node in self._departed:
            return []
        link_events: list[LinkEvent] = []
        events: list[Event] = []
        ended: list[int] = []
        closed = False
        for line in message["lines"]:
            try:
                received = decode(line)
            except ValueError as error:
                return [*link_events, self._depart(node, f"it sent an invalid message: {error}")]
            match received:
                case NodeReady(slots=slots):
                    self._starting.pop(node, None)
                    self._slots[node] = slots
                    link_events.append(Ready(node, slots, self._hosts.get(node, node)))
                case BatchEnded(batch=batch):
                    ended.append(batch)
                case Alive():
                    pass
                case NodeClosed():
                    closed = True
                case NodeFailed(reason=reason):
                    link_events.append(Update(node, events, ended))
                    return [*link_events, self._depart(node, reason)]
                case _:
                    events.append(received)
        return [*link_events, Update(node, events, ended, closed)]


def _problem_of(task: Any) -> str:
    """Return why a node's process could not start; empty if it has started."""
    try:
        return str(task.result(timeout=1))
    except ModuleNotFoundError as error:
        return (
            f"{error.name} is not installed there; install ctest-containers and the project's "
            "packages"
        )
    except Exception as error:  # noqa: BLE001  # Any code runs there.
        return f"{type(error).__name__}: {error}"
