"""A round in its own process: the `run` command, whose events also go to the supervisor."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import traceback
import unittest
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ctest_containers.errors import CtestError, NothingToRun, UsageError
from ctest_containers.events import Event
from ctest_containers.history.lines import UNLOGGED, line
from ctest_containers.servers.requests import CONNECTED
from ctest_containers.servers.standby import STANDBY, Ahead, HandedProcess, HostProcess
from ctest_containers.session.last_failures import exists
from ctest_containers.watching.messages import Ended, Order, WaitingHost, encode
from ctest_containers.watching.process import default_signals
from ctest_containers.watching.stage import Project

if TYPE_CHECKING:
    from ctest_containers.runner import ContainerRunnerMixin

COMMAND = "watch"
"""The name under which a round's needs are noted, so that the next host can start its servers."""


class SupervisorReport:
    """Sends every event of a run to the supervisor."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel

    def handle(self, event: Event, at: float) -> None:
        """See `Report`."""
        if type(event) not in UNLOGGED:
            # A supervisor that is gone has ended this process by now.
            with suppress(OSError):
                self._channel.sendall(line(event, at).encode())


def play(project: Project, channel: socket.socket, order: Order, descriptors: Sequence[int]) -> int:
    """Run the tests of an order, and return the exit code of the run."""
    default_signals()
    STANDBY.command = (COMMAND,)
    if order.host is not None:
        adopt(order.host, descriptors)

    def run(runner: ContainerRunnerMixin, labels: list[str]) -> int:
        check_options(runner)
        chosen = labels
        if order.labels is not None:
            chosen = without_parts([*order.failed, *order.labels])
            _leave_out_the_gone(runner, frozenset(order.failed))
            _let_broken_modules_fail(runner)
        return runner.run_reported(chosen, [SupervisorReport(channel)])

    code = 1
    try:
        code = project.act(run, order.options)
    except CtestError as error:
        code = int(error.exit_code)
        sys.stderr.write(f"{error}\n")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001  # The project's code may raise anything.
        traceback.print_exc()
    finally:
        STANDBY.end()
        with suppress(OSError):
            channel.sendall(encode(Ended(exit_code=code)))
    return code


def check_options(runner: ContainerRunnerMixin) -> None:
    """Check that the options of a run make sense for watch mode.

    Raises:
        UsageError: One of them does not.
    """
    config = runner.resolve()
    given = {
        "--explain": config.explain,
        "--cluster": bool(config.cluster),
        "--failed": config.failed,
        "--pdb": runner.debugs,
        "--rebuild": config.rebuild,
        "--shard": config.shard is not None,
        "--stress": config.stress is not None,
    }
    for name in (name for name, is_given in given.items() if is_given):
        raise UsageError(f"watch cannot be combined with {name}.")


def adopt(host: WaitingHost, descriptors: Sequence[int]) -> None:
    """Let the next run in this process use a host that the supervisor has started."""
    stdin, stdout, log = descriptors
    STANDBY.is_warm = bool(host.servers)
    servers = dict(enumerate(host.servers, start=CONNECTED + 1))
    STANDBY.waiting = HostProcess(
        process=HandedProcess(host.pid, stdin, stdout),
        log=open(log, "rb"),  # noqa: PTH123, SIM115  # A descriptor.
        # It belongs to this process from now on.
        task=None if host.task is None else replace(host.task, owner=os.getpid()),
        ahead=None if host.task is None else Ahead(servers, host.began),
    )


def without_parts(labels: Iterable[str]) -> list[str]:
    """Return labels, each once, without those of parts of others."""
    every = dict.fromkeys(labels)
    return [label for label in every if not any(label.startswith(f"{each}.") for each in every)]


def _leave_out_the_gone(runner: Any, failed: frozenset[str]) -> None:
    """Discover no test that failed earlier and has been deleted since."""
    build_suite = runner.build_suite

    def build(labels: Sequence[str], *arguments: Any, **options: Any) -> Any:
        rest = [label for label in labels if label not in failed or exists(label)]
        if not rest:
            raise NothingToRun("The tests that failed no longer exist; nothing to run.")
        return build_suite(rest, *arguments, **options)

    runner.build_suite = build


def _let_broken_modules_fail(runner: Any) -> None:
    """Let a module that cannot be imported fail as a test, as if all tests were discovered.

    If the module is named, Django would not run any test.
    """
    load_tests, broken = runner.load_tests_for_label, set[str]()

    def load(label: str, *arguments: Any) -> Any:
        try:
            return load_tests(label, *arguments)
        except Exception:
            name = _unimportable(label)
            if name is None:
                raise
            suite = runner.test_loader.suiteClass
            if name in broken:
                return suite()
            broken.add(name)
            make: Any = unittest.loader._make_failed_import_test  # type: ignore[attr-defined]
            return make(name, suite)[0]

    runner.load_tests_for_label = load


def _unimportable(label: str) -> str | None:
    """Return the first module in a label that exists and cannot be imported."""
    parts = label.split(".")
    for end in range(1, len(parts) + 1):
        name = ".".join(parts[:end])
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            return None if error.name == name else name
        except Exception:  # noqa: BLE001  # Any code may run in there.
            return name
    return None
