"""The way to the nodes of a Dask cluster: its scheduler, its workers, its tasks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from ctest_containers.cluster import on_node
from ctest_containers.cluster.link import Gone, Heard, LinkEvent, Ready
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

LOOK_SECONDS: Final = 0.5
"""Between two looks at which Dask workers there are."""

REST: Final = 20
"""A look that took longer is followed by a pause so many times as long."""

GREET_SECONDS: Final = 10.0
"""How often nodes are told that the parent is there."""

CLOSE_SECONDS: Final = 90.0
"""What all nodes together may take to remove what they started."""

MANY_TASKS: Final = 64
"""So many tasks more, and those that are done are looked for."""

RESOURCE: Final = "ctest"
"""The Dask resource by which a worker says how many containers it carries."""


class DaskLink:
    """See `Link`.

    Args:
        client: What `connect` gives; closed with this.
    """

    def __init__(self, client: Any, spec: NodeSpec) -> None:
        self._client = client
        self._spec = spec
        self._topic = f"ctest-{spec.run}"
        self._told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._slots: dict[str, int] = {}
        self._hosts: dict[str, str] = {}
        self._resources: dict[str, int] = {}
        self._beginning: dict[str, Any] = {}
        self._gone: set[str] = set()
        self._tasks: list[Any] = []
        self._many_tasks = MANY_TASKS
        self._pause = LOOK_SECONDS
        self._looked = self._greeted = float("-inf")
        client.subscribe_topic(self._topic, self._hear)

    @property
    def expected(self) -> int:
        """See `Link`."""
        return len(self._slots) + len(self._beginning)

    def receive(self, timeout_seconds: float) -> Sequence[LinkEvent]:
        """See `Link`."""
        found: list[LinkEvent] = list(self._look())
        try:
            message = self._told.get(timeout=0.0 if found else timeout_seconds)
            while True:
                found += self._understand(message)
                message = self._told.get_nowait()
        except queue.Empty:
            return found

    def send(self, node: str, command: RunBatch) -> None:
        """See `Link`."""
        self._submit(node, on_node.run_batch, command.batch, encode(command), counted=True)

    def stop(self) -> None:
        """See `Link`."""
        for node in self._slots:
            self._submit(node, on_node.send, encode(Quit()))

    def close(self, *, at_once: bool) -> Sequence[str]:
        """See `Link`."""
        # What has not even begun has started nothing, and may never answer.
        begun = [node for node, task in self._beginning.items() if task.done()]
        for node, task in self._beginning.items():
            if node not in begun:
                task.cancel()
        nodes = [*self._slots, *begun]
        deadline = time.monotonic() + CLOSE_SECONDS
        told: list[str] = []
        ends: dict[str, Any] = {}
        failures: dict[str, Exception] = {}
        # Whatever Dask or a node's death raises: a client whose scheduler is gone submits nothing.
        for node in nodes:
            try:
                ends[node] = self._submit(node, on_node.end, at_once)
            except Exception as error:  # noqa: BLE001
                failures[node] = error
        for node, task in ends.items():
            try:
                left = task.result(timeout=max(0.1, deadline - time.monotonic()))
                told += [f"{one} on {node}" for one in left]
            except Exception as error:  # noqa: BLE001
                failures[node] = error
        told += [
            f"what the node {node} has started ({type(error).__name__})"
            for node, error in failures.items()
        ]
        with suppress(Exception):
            self._client.unsubscribe_topic(self._topic)
        cluster = self._client.cluster
        self._client.close(timeout=5)
        if cluster is not None:
            cluster.close(timeout=10)
        return told

    def _submit(
        self,
        node: str,
        function: Callable[..., object],
        *arguments: object,
        counted: bool = False,
    ) -> Any:
        """Let a Dask worker, and no other, call a function with the run's id."""
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
        if len(self._tasks) > self._many_tasks:
            # A task whose future is gone is cancelled, so they are kept until they are done.
            self._tasks = [one for one in self._tasks if not one.done()]
            self._many_tasks = 2 * len(self._tasks) + MANY_TASKS
        return task

    def _look(self) -> Sequence[LinkEvent]:
        """Which Dask workers have come, and which are gone."""
        now = time.monotonic()
        if now - self._looked < self._pause:
            return ()
        client = self._client
        if client.status == "closed" or client.scheduler is None:
            raise ClusterError("The scheduler of the cluster is gone.")
        try:
            # What `scheduler_info` gives may be what the client has asked for in the background at
            # the same moment, which has no workers.
            workers = client.sync(client.scheduler.identity, n_workers=-1)["workers"]
        except OSError:
            # The client connects again, or closes.
            self._looked = now
            return ()
        except Exception as error:
            raise ClusterError(f"The scheduler of the cluster is gone: {error}.") from error
        self._looked = time.monotonic()
        self._pause = max(LOOK_SECONDS, REST * (self._looked - now))
        known = {*self._slots, *self._beginning, *self._gone}
        self._begin({node: facts for node, facts in workers.items() if node not in known})
        present = [*self._slots, *self._beginning]
        lost = [node for node in present if node not in workers]
        found: list[LinkEvent] = [self._leave(node, "the Dask worker is gone") for node in lost]
        for node, task in list(self._beginning.items()):
            if task.done() and (problem := _problem_of(task)):
                found.append(self._leave(node, problem))
        if now - self._greeted > GREET_SECONDS:
            self._greeted = now
            for node in self._slots:
                self._submit(node, on_node.send, b"")
        return found

    def _begin(self, fresh: Mapping[str, Mapping[str, Any]]) -> None:
        """Let Dask workers become nodes."""
        if not fresh:
            return
        # By way of the scheduler, for workers need not reach each other. It ends when the last one
        # has answered, which a worker that hangs never does; so nobody waits for it.
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
            self._beginning[node] = self._client.submit(
                on_node.begin,
                self._spec.run,
                self._topic,
                declared or None,
                workers=[node],
                allow_other_workers=False,
                pure=False,
                retries=0,
            )

    def _leave(self, node: str, reason: str) -> Gone:
        refused = self._slots.pop(node, None) is None
        self._beginning.pop(node, None)
        self._gone.add(node)
        return Gone(node, reason, refused=refused)

    def _hear(self, message: Any) -> None:
        """Called by Dask in a thread of its own."""
        _, told = message
        self._told.put(told)

    def _understand(self, message: dict[str, Any]) -> list[LinkEvent]:
        node = str(message["node"])
        if node in self._gone:
            return []
        found: list[LinkEvent] = []
        events: list[Event] = []
        ended: list[int] = []
        closed = False
        for line in message["lines"]:
            try:
                said = decode(line)
            except ValueError as error:
                return [*found, self._leave(node, f"it says what nobody understands: {error}")]
            match said:
                case NodeReady(slots=slots):
                    self._beginning.pop(node, None)
                    self._slots[node] = slots
                    found.append(Ready(node, slots, self._hosts.get(node, node)))
                case BatchEnded(batch=batch):
                    ended.append(batch)
                case Alive():
                    pass
                case NodeClosed():
                    closed = True
                case NodeFailed(reason=reason):
                    found.append(Heard(node, events, ended))
                    return [*found, self._leave(node, reason)]
                case _:
                    events.append(said)
        return [*found, Heard(node, events, ended, closed)]


def _problem_of(task: Any) -> str:
    """Why a node cannot have its process; empty where it has one."""
    try:
        return str(task.result(timeout=1))
    except ModuleNotFoundError as error:
        return f"it has no {error.name}; install what the project needs there, and ctest-containers"
    except Exception as error:  # noqa: BLE001  # Any code runs there.
        return f"{type(error).__name__}: {error}"
