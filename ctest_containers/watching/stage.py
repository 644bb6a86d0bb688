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
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from ctest_containers.errors import CtestError
from ctest_containers.project import guard
from ctest_containers.watching.messages import (
    APPS,
    ROUND,
    TESTS,
    Began,
    Load,
    Loaded,
    Order,
    decode,
    encode,
)
from ctest_containers.watching.process import end, first_line, print_into, split
from ctest_containers.watching.reading import Reading
from ctest_containers.watching.stops import Stops

if TYPE_CHECKING:
    from ctest_containers.runner import ContainerRunnerMixin

DESCRIPTORS: Final = 6
"""How many come along with a command at most: a channel, files for what a round prints and for the
names of what it writes, and a host's three."""

REAP_SECONDS: Final = 1.0
"""How often a stage asks whether its forks have ended."""

Action = Callable[["ContainerRunnerMixin", list[str]], int]


class Project(Protocol):
    """How the command line finds, loads and tests the project in the current folder.

    Attributes:
        records: Whether rounds are likely to record what tests use.
    """

    @property
    def records(self) -> bool: ...  # noqa: D102

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
    "django.core.cache.backends.db",
    "django.core.management.commands.check",
    "ctest_containers.cli.project_command",
    "ctest_containers.report.formats",
    "ctest_containers.runner",
    "ctest_containers.servers.client",
    "ctest_containers.session.affected",
    "ctest_containers.session.run_recording",
    "ctest_containers.supply.summaries",
    "ctest_containers.usage.collector",
    "ctest_containers.usage.loaded",
    "ctest_containers.workers.child",
)
"""What every project needs and can be imported without settings."""


Play = Callable[[Project, socket.socket, Order, Sequence[int]], int]
"""Runs a round in a fork: takes its channel, its order and a host's descriptors."""


class Stage:
    """A process that loads the project in steps; after each, its next fork goes on.

    Args:
        reading: Notes which files it reads.
        play: Runs rounds.
        commands: The channel to the supervisor.
    """

    def __init__(
        self, project: Project, reading: Reading, play: Play, commands: socket.socket
    ) -> None:
        self._project = project
        self._reading = reading
        self._play = play
        self._channel = commands
        self._stops = Stops(self._stop)

    def run(self, output: int) -> NoReturn:
        """Be the stage that has only loaded the toolkit and Django, and all that follow.

        Args:
            output: The descriptor of the file to print into.
        """
        # Ctrl-C at the terminal is for the supervisor alone.
        os.setsid()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        print_into(output)
        self._reading.install()
        _import_all(TOOLKIT)
        gc.collect()
        self._next_stage()
        with self._stops.stopping():
            error = self._load_project()
        self._has_loaded(APPS, error)
        gc.collect()
        modules = self._next_stage().modules
        with self._stops.stopping():
            error = self._load_tests(modules)
        self._has_loaded(TESTS, error)
        gc.collect()
        self._next_stage()
        # There is nothing else to load.
        end(0)

    def _stop(self) -> None:
        self._has_loaded("", "")
        self._next_stage()
        importlib.invalidate_caches()

    def _has_loaded(self, what: str, error: str) -> None:
        if what == APPS and self._project.records and not error:
            _remember_settings()
        loaded = Loaded(what=what, files=tuple(self._reading.files()), error=error)
        # If the supervisor is gone, this process ends where it waits for commands.
        with suppress(OSError):
            self._channel.sendall(encode(loaded))

    def _next_stage(self) -> Load:
        """Fork what is ordered until the other side is gone and all forks have ended.

        Returns:
            What to load, in a fork that is the next stage.
        """
        # What is loaded by now stays, and forks share it if the garbage collector does not touch
        # it.
        gc.freeze()
        forks: set[int] = set()
        is_open = True
        while True:
            for pid in [pid for pid in forks if os.waitpid(pid, os.WNOHANG)[0]]:
                forks.discard(pid)
            if not (is_open or forks):
                end(0)
            waiting = [self._channel] if is_open else []
            if not select.select(waiting, [], [], REAP_SECONDS)[0]:
                continue
            command, descriptors, _, _ = socket.recv_fds(self._channel, 1, DESCRIPTORS)
            if not command:
                is_open = False
                continue
            if not (pid := split()):
                self._channel.close()
                self._channel = socket.socket(fileno=descriptors[0])
                if command == ROUND:
                    end(self._run_round(descriptors))
                return self._begin()
            forks.add(pid)
            for descriptor in descriptors:
                os.close(descriptor)

    def _begin(self) -> Load:
        self._channel.sendall(encode(Began(pid=os.getpid())))
        line = first_line(self._channel)
        if not line:
            end(0)
        load = decode(line)
        assert isinstance(load, Load)
        self._stops.files = frozenset(load.hot)
        return load

    def _load_project(self) -> str:
        """Load the project's apps, and return why that is not possible; empty if it is."""
        try:
            self._project.load()
        except CtestError as problem:
            cause = problem.__cause__
            return str(problem) if cause is None else "".join(traceback.format_exception(cause))
        except BaseException:  # noqa: BLE001  # The project's code may raise anything.
            return traceback.format_exc()
        return ""

    def _load_tests(self, modules: Sequence[str]) -> str:
        """Import test modules in the environment in which they are discovered.

        A stage that has tried to query a database meanwhile cannot be used: in a run, the query
        would have got an isolated database.

        Returns:
            Why rounds cannot use what has been loaded; empty if they can.
        """
        errors: list[str] = []

        def load(runner: ContainerRunnerMixin, _: list[str]) -> int:
            from django.conf import settings
            from django.core import checks

            with _as_in_discovery(runner, errors):
                for module in (*modules, settings.ROOT_URLCONF):
                    importlib.import_module(module)
                # What they find counts in a round. They fill caches of models, which rounds
                # inherit.
                checks.run_checks()
            return 0

        try:
            self._project.act(load)
        except BaseException:  # noqa: BLE001  # As above.
            errors.append(traceback.format_exc())
        return "\n".join(errors)

    def _run_round(self, descriptors: Sequence[int]) -> int:
        """Run a round in a fork that is not a stage, and return its exit code."""
        gc.unfreeze()
        print_into(descriptors[1])
        os.close(descriptors[1])
        self._reading.begin_round(descriptors[2])
        self._channel.sendall(encode(Began(pid=os.getpid())))
        line = first_line(self._channel)
        if not line:
            return 0
        order = decode(line)
        assert isinstance(order, Order)
        importlib.invalidate_caches()
        return self._play(self._project, self._channel, order, descriptors[3:])


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


def _remember_settings() -> None:
    """Compute the digests of settings, which takes long for secrets; they are remembered."""
    from django.conf import settings

    from ctest_containers.recording.digests import Today
    from ctest_containers.recording.portable_paths import PortablePaths

    digest, read = Today(PortablePaths.here(), None).kinds()["settings"], {*vars(settings)}
    for name in dir(settings):
        if name.isupper():
            digest(name)
    # Django keeps what has been read, and that counts as what the project has read.
    for name in vars(settings).keys() - read:
        del vars(settings)[name]


def _import_all(modules: Sequence[str]) -> None:
    for module in modules:
        # Whatever is wrong with it concerns only what needs it.
        with suppress(Exception):
            importlib.import_module(module)
