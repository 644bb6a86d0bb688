"""A process that has loaded a part of the project, and forks stages with more of it, and rounds."""

from __future__ import annotations

import gc
import importlib
import importlib.metadata
import os
import select
import signal
import socket
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from ctest_containers.errors import CtestError
from ctest_containers.project import guard
from ctest_containers.watching.messages import (
    GROW,
    Began,
    Load,
    Loaded,
    Order,
    decode,
    encode,
)
from ctest_containers.watching.process import first_line, fork, print_into
from ctest_containers.watching.reading import Reading

if TYPE_CHECKING:
    from ctest_containers.runner import ContainerRunnerMixin

DESCRIPTORS: Final = 6
"""How many come along with a command at most: a channel, files for what a round prints and for the
names of what it writes, and a host's three."""

REAP_SECONDS: Final = 1.0
"""How often a stage asks whether its forks have ended."""

Action = Callable[["ContainerRunnerMixin", list[str]], int]


class Project(Protocol):
    """How the command line finds, loads and tests the project in the current folder."""

    def load(self) -> None:
        """Set Django up.

        Raises:
            CtestError: The project cannot be loaded.
        """

    def act(self, action: Action, options: Sequence[str] = ()) -> int:
        """Call an action with the project's runner and the labels, and return an exit code.

        Args:
            options: Further options of `run`.
        """


@dataclass(frozen=True, slots=True)
class Stage:
    """What all stages share.

    Attributes:
        run: Runs a round in a fork, with its channel, its order and a host's descriptors.
    """

    project: Project
    reading: Reading
    run: Callable[[Project, socket.socket, Order, Sequence[int]], int]


def first_stage(stage: Stage, commands: socket.socket, output: int) -> int:
    """Be the stage that has only loaded the toolkit and Django, until its parent is gone."""
    # Ctrl-C at the terminal is for the supervisor alone.
    os.setsid()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print_into(output)
    stage.reading.install()
    _import_all(TOOLKIT)
    return _serve(stage, commands, depth=0)


TOOLKIT: Final = (
    "django.contrib",
    "django.core.cache.backends.locmem",
    "django.core.management.commands.test",
    "django.core.serializers.json",
    "django.db.models",
    "django.forms",
    "django.template.backends.django",
    "django.template.loaders.app_directories",
    "django.template.loaders.cached",
    "django.template.loaders.filesystem",
    "django.test",
    "django.views.generic",
    "multiprocessing.popen_fork",
    "ctest_containers.cli.project_command",
    "ctest_containers.report.formats",
    "ctest_containers.runner",
    "ctest_containers.servers.client",
    "ctest_containers.workers.child",
)
"""What every project needs and can be imported without settings."""


def _serve(stage: Stage, commands: socket.socket, depth: int) -> int:
    """Fork what is ordered until the other side is gone and all forks have ended."""
    gc.collect()
    # What is loaded by now stays, and forks share it if the garbage collector does not touch it.
    gc.freeze()
    forks: set[int] = set()
    is_open = True
    while is_open or forks:
        for pid in [pid for pid in forks if os.waitpid(pid, os.WNOHANG)[0]]:
            forks.discard(pid)
        if not select.select([commands] if is_open else [], [], [], REAP_SECONDS)[0]:
            continue
        command, descriptors, _, _ = socket.recv_fds(commands, 1, DESCRIPTORS)
        if not command:
            is_open = False
            continue
        begin = _grow if command == GROW else _play
        forks.add(fork(lambda: begin(stage, commands, descriptors, depth)))  # noqa: B023
        for descriptor in descriptors:
            os.close(descriptor)
    return 0


def _grow(stage: Stage, parent: socket.socket, descriptors: Sequence[int], depth: int) -> int:
    """Be the next stage."""
    parent.close()
    channel = socket.socket(fileno=descriptors[0])
    channel.sendall(encode(Began(pid=os.getpid())))
    line = first_line(channel)
    if not line:
        return 0
    load = decode(line)
    assert isinstance(load, Load)
    loaded = _load_project(stage) if depth == 0 else _load_tests(stage, load.modules)
    with suppress(OSError):
        channel.sendall(encode(loaded))
        return _serve(stage, channel, depth + 1)
    return 0


def _load_project(stage: Stage) -> Loaded:
    error = ""
    try:
        stage.project.load()
    except CtestError as problem:
        cause = problem.__cause__
        error = str(problem) if cause is None else "".join(traceback.format_exception(cause))
    except BaseException:  # noqa: BLE001  # The project's code may raise anything.
        error = traceback.format_exc()
    return _loaded(stage, error, is_usable=not error)


def _load_tests(stage: Stage, modules: Sequence[str]) -> Loaded:
    """Import test modules in the environment in which they are discovered.

    A stage that has tried to query a database meanwhile cannot be used: in a run, the query would
    have got an isolated database.
    """
    errors: list[str] = []

    def load(runner: ContainerRunnerMixin, _: list[str]) -> int:
        from django.conf import settings
        from django.core import checks

        with _as_in_discovery(runner, errors):
            for module in (*modules, settings.ROOT_URLCONF):
                importlib.import_module(module)
            # What they find counts in a round. They fill caches of models, which rounds inherit.
            checks.run_checks()
        return 0

    try:
        stage.project.act(load)
    except BaseException:  # noqa: BLE001  # As above.
        errors.append(traceback.format_exc())
    return _loaded(stage, "\n".join(errors), is_usable=not errors)


@contextmanager
def _as_in_discovery(runner: Any, errors: list[str]) -> Iterator[None]:
    def refuse(alias: str) -> None:
        errors.append(f"The database {alias!r} was queried while test modules were imported.")
        guard.refuse(alias)

    runner.setup_test_environment()
    try:
        with guard.guarded(refuse):
            yield
    finally:
        runner.teardown_test_environment()


def _loaded(stage: Stage, error: str, *, is_usable: bool) -> Loaded:
    return Loaded(
        files=tuple(stage.reading.files()),
        libraries=tuple(stage.reading.libraries()),
        error=error,
        is_usable=is_usable,
    )


def _play(stage: Stage, parent: socket.socket, descriptors: Sequence[int], _: int) -> int:
    """Run a round."""
    parent.close()
    gc.unfreeze()
    channel = socket.socket(fileno=descriptors[0])
    print_into(descriptors[1])
    os.close(descriptors[1])
    stage.reading.begin_round(descriptors[2])
    channel.sendall(encode(Began(pid=os.getpid())))
    line = first_line(channel)
    if not line:
        return 0
    order = decode(line)
    assert isinstance(order, Order)
    importlib.invalidate_caches()
    return stage.run(stage.project, channel, order, descriptors[3:])


def _import_all(modules: Sequence[str]) -> None:
    for module in modules:
        # Whatever is wrong with it concerns only what needs it.
        with suppress(Exception):
            importlib.import_module(module)
