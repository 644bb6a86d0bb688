"""Loads the project, prepares its templates, and runs the batches that the parent sends."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from ctest_containers.cluster.messages import (
    Alive,
    NodeClosed,
    NodeFailed,
    NodeMessage,
    NodeReady,
    encode,
)
from ctest_containers.cluster.spec import NodeSpec, from_line
from ctest_containers.errors import CtestError
from ctest_containers.events import Event, TestOutcome, TimePassed
from ctest_containers.project import guard
from ctest_containers.project.process import call_pickled

if TYPE_CHECKING:
    from ctest_containers.project.process import ProjectSetup
    from ctest_containers.session.node_plan import NodePlan
    from ctest_containers.supply.supply import Supply

ALIVE_SECONDS: Final = 1.0
"""How often this process sends a sign of life."""


class EventSender:
    """Sends events and messages to the parent, as lines on the standard output.

    The output of tests must not get between them, so standard output is redirected to standard
    error.
    """

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._last_sent = 0.0

    def send(self, message: NodeMessage | Event) -> None:
        """Send a message or an event; block while the parent does not read.

        Raises:
            BrokenPipeError: The parent is gone.
        """
        if isinstance(message, TimePassed):
            if time.monotonic() - self._last_sent < ALIVE_SECONDS:
                return
            message = Alive()
        data = encode(message)
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]
        self._last_sent = time.monotonic()


def main() -> None:
    """Run a node's part of a run."""
    # Ctrl-C at a terminal is for the parent of the run to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sender = EventSender()
    requests: BinaryIO = os.fdopen(os.dup(0), "rb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    spec = from_line(_first_line(requests))
    try:
        left = _run(spec, requests.fileno(), sender)
    except CtestError as error:
        sender.send(NodeFailed(reason=str(error)))
    except BrokenPipeError:
        pass
    except BaseException:  # noqa: BLE001  # The parent reports whatever it was.
        sender.send(NodeFailed(reason=traceback.format_exc()))
    else:
        sender.send(NodeClosed(left=left))


def _first_line(requests: BinaryIO) -> bytes:
    """Read the first line, and not a byte of the commands that follow it."""
    pieces = []
    while (piece := requests.read(1)) not in {b"", b"\n"}:
        pieces.append(piece)
    return b"".join(pieces)


def _load(spec: NodeSpec) -> None:
    """Load the project as a spawned worker does."""
    os.chdir(spec.folder)
    sys.path.insert(0, spec.folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = spec.settings
    # The settings of many projects check `"test" in sys.argv`.
    sys.argv = ["manage.py", "test"]
    guard.install()
    call_pickled(spec.prepare)
    import django

    django.setup()


def _run(spec: NodeSpec, commands: int, sender: EventSender) -> tuple[str, ...]:
    """Run the tests of a plan, and return the containers that could not be removed."""
    from ctest_containers.project.process import ProjectSetup
    from ctest_containers.supply.supply import Supply

    _load(spec)
    plan: NodePlan = pickle.loads(spec.plan)  # noqa: S301  # From the parent of the run.
    _set_up_environment(plan.debug_mode)
    setup = ProjectSetup(spawned=False, debug_mode=plan.debug_mode)
    supply = Supply(
        config=plan.config,
        setup=setup,
        create=plan.create,
        runner_inputs=plan.runner_inputs,
        report=sender.send,
        began=plan.began,
    )
    try:
        with supply.lending():
            _run_tests(supply, plan, setup, asked=spec.workers, commands=commands, sender=sender)
    finally:
        closed = supply.close()
    return () if closed is None else closed.left


def _run_tests(
    supply: Supply,
    plan: NodePlan,
    setup: ProjectSetup,
    *,
    asked: int | None,
    commands: int,
    sender: EventSender,
) -> None:
    from ctest_containers.capacity import plan_workers
    from ctest_containers.capacity.memory import available_bytes
    from ctest_containers.limits import limits_of_node
    from ctest_containers.node.feed import CommandFeed
    from ctest_containers.project import connections
    from ctest_containers.project.databases import first_aliases, mirrors
    from ctest_containers.project.suite import Batch
    from ctest_containers.session.starting import WorkerStarter
    from ctest_containers.usage.loaded import LoadedFunctions
    from ctest_containers.workers.flush_order import FlushOrder
    from ctest_containers.workers.pool import WorkerPool

    # Test modules that query a database on import are lent one.
    batches: Sequence[Batch] = pickle.loads(plan.batches)  # noqa: S301  # As above.
    supply.release_parent()
    supply.prepare(plan.aliases)
    groups = supply.databases.plans.select(plan.aliases)
    measured = [plan.memory.get(name) for name in _measured_names(groups)]
    workers = plan_workers(
        asked=asked or plan.workers,
        cores=os.cpu_count() or 1,
        batches=len(batches),
        available_bytes=available_bytes(),
        minimum=plan.config.min_workers,
        maximum=plan.config.max_workers,
        measured_bytes=None if None in measured else sum(filter(None, measured)),
        engine_bytes=supply.host.free_bytes(groups),
        helpful=None,
    ).workers
    connections.mark_expectations(plan.aliases)
    feed = CommandFeed(commands, batches=batches, expected=plan.expected, send=sender.send)
    supply.start([batch.aliases for batch in batches], workers)
    loaded = LoadedFunctions() if plan.worker_config.record else None
    if loaded is not None and (base := loaded.base()) is not None:
        sender.send(base)
    starter = WorkerStarter(
        plan.worker_config,
        supply=supply,
        setup=setup,
        batches=lambda: batches,
        output=None,
        cached=() if loaded is None else loaded.cached,
    )
    watch = _FailureWatch(sender)
    pool = WorkerPool(
        workers=workers,
        batches=(),
        supplier=supply,
        start=lambda number: starter.start(number, (*pool.descriptors(), commands)),
        report=watch.send,
        stopping=lambda: feed.stopping,
        limits=limits_of_node(plan.limits),
        expected=plan.expected,
        order=FlushOrder(
            # Any batch may run on another node and flush there.
            elsewhere=[(batch.number, batch.flushes) for batch in batches],
            databases=first_aliases(groups),
            mirrors=mirrors(),
        ),
        feed=feed,
    )
    sender.send(NodeReady(slots=workers))
    pool.run()
    if watch.has_failed:
        supply.databases.say_ages()


class _FailureWatch:
    """Passes on events, and remembers whether a test has failed."""

    def __init__(self, sender: EventSender) -> None:
        self._sender = sender
        self.has_failed = False

    def send(self, event: Event) -> None:
        """Send an event to the parent."""
        from ctest_containers.report.record import status_of

        if isinstance(event, TestOutcome) and status_of(event).is_bad:
            self.has_failed = True
        self._sender.send(event)


def _measured_names(groups: Any) -> list[str]:
    from ctest_containers.timings.model import PROCESS

    return [PROCESS, *(group.label for group in groups if group.has_server)]


def _set_up_environment(debug: bool) -> None:  # noqa: FBT001
    from django.test.utils import setup_test_environment

    setup_test_environment(debug=debug)
