"""Loads the project, makes sure of its templates, and runs what the parent sends."""

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

from ctest_containers.cluster.messages import Alive, NodeClosed, NodeFailed, NodeReady, Word, encode
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
"""How often it says that it is there."""


class Voice:
    """What this process says to its parent, a line at a time.

    What happens in a test must not get into it, so nothing else has its descriptor.
    """

    def __init__(self) -> None:
        self._descriptor = os.dup(1)
        os.dup2(2, 1)
        self._lock = threading.Lock()
        self._spoke = 0.0

    def say(self, said: Word | Event) -> None:
        """Say it; blocks while nobody listens. A parent that is gone ends this process."""
        if isinstance(said, TimePassed):
            if time.monotonic() - self._spoke < ALIVE_SECONDS:
                return
            said = Alive()
        data = encode(said)
        with self._lock:
            while data:
                data = data[os.write(self._descriptor, data) :]
        self._spoke = time.monotonic()


def main() -> None:
    """Do a node's part of a run."""
    # Ctrl-C at a terminal is for the parent of the run to hear.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    voice = Voice()
    requests: BinaryIO = os.fdopen(os.dup(0), "rb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    spec = from_line(_first_line(requests))
    try:
        left = _run(spec, requests.fileno(), voice)
    except CtestError as error:
        voice.say(NodeFailed(reason=str(error)))
    except BrokenPipeError:
        pass
    except BaseException:  # noqa: BLE001  # The parent is told whatever it was.
        voice.say(NodeFailed(reason=traceback.format_exc()))
    else:
        voice.say(NodeClosed(left=left))


def _first_line(requests: BinaryIO) -> bytes:
    """The first line, and not a byte more of the commands that follow it."""
    pieces = []
    while (piece := requests.read(1)) not in {b"", b"\n"}:
        pieces.append(piece)
    return b"".join(pieces)


def _load(spec: NodeSpec) -> None:
    """Load the project as a spawned worker does."""
    os.chdir(spec.folder)
    sys.path.insert(0, spec.folder)
    os.environ["DJANGO_SETTINGS_MODULE"] = spec.settings
    # Many a project's settings ask `"test" in sys.argv` whether tests are being run.
    sys.argv = ["manage.py", "test"]
    guard.install()
    call_pickled(spec.prepare)
    import django

    django.setup()


def _run(spec: NodeSpec, commands: int, voice: Voice) -> tuple[str, ...]:
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
        report=voice.say,
        began=plan.began,
    )
    try:
        with supply.lending():
            _run_tests(supply, plan, setup, asked=spec.workers, commands=commands, voice=voice)
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
    voice: Voice,
) -> None:
    from ctest_containers.capacity import plan_workers
    from ctest_containers.capacity.memory import available_bytes
    from ctest_containers.limits import limits_of_node
    from ctest_containers.node.feed import CommandFeed
    from ctest_containers.project import connections
    from ctest_containers.project.databases import first_aliases, mirrors
    from ctest_containers.project.suite import Batch
    from ctest_containers.session.starting import WorkerStarter
    from ctest_containers.workers.flush_order import FlushOrder
    from ctest_containers.workers.pool import WorkerPool

    # Modules of tests that ask a database when they are imported are lent one.
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
    feed = CommandFeed(commands, batches=batches, expected=plan.expected, say=voice.say)
    supply.start([batch.aliases for batch in batches], workers)
    starter = WorkerStarter(
        plan.worker_config, supply=supply, setup=setup, batches=batches, output=None
    )
    failures = _Failures(voice)
    pool = WorkerPool(
        workers=workers,
        batches=(),
        supplier=supply,
        start=lambda number: starter.start(number, (*pool.descriptors(), commands)),
        report=failures.say,
        stopping=lambda: feed.stopping,
        limits=limits_of_node(plan.limits),
        expected=plan.expected,
        order=FlushOrder(
            # Those that run on other nodes are taken to flush.
            elsewhere=[(batch.number, batch.flushes) for batch in batches],
            databases=first_aliases(groups),
            mirrors=mirrors(),
        ),
        feed=feed,
    )
    voice.say(NodeReady(slots=workers))
    pool.run()
    if failures.has_some:
        supply.databases.say_ages()


class _Failures:
    """Passes events on, and knows whether a test has failed."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice
        self.has_some = False

    def say(self, event: Event) -> None:
        """Pass an event on."""
        from ctest_containers.report.record import status_of

        if isinstance(event, TestOutcome) and status_of(event).is_bad:
            self.has_some = True
        self._voice.say(event)


def _measured_names(groups: Any) -> list[str]:
    from ctest_containers.timings.model import PROCESS

    return [PROCESS, *(group.label for group in groups if group.has_server)]


def _set_up_environment(debug: bool) -> None:  # noqa: FBT001
    from django.test.utils import setup_test_environment

    setup_test_environment(debug=debug)
