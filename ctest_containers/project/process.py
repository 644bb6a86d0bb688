"""Starts child processes of the loaded project, by fork or spawn."""

from __future__ import annotations

import ctypes
import multiprocessing
import pickle
import signal
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any, Final, TypeVar

from ctest_containers.errors import ProjectError, UsageError
from ctest_containers.project import guard, settings

T = TypeVar("T")

PR_SET_PDEATHSIG: Final = 1

LOAD_SECONDS: Final = 600.0
"""The time limit of a child that loads code of the project and answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSetup:
    """How a child process gets the project loaded.

    Attributes:
        spawned: Whether it starts as a new interpreter; a fork has everything loaded.
        debug_mode: The value of `settings.DEBUG` during tests.
        prepare: What Django's own parallel runner calls in a spawned worker before `django.setup`,
            as `pickled_call` has made it: reading it imports code of the project.
        settings: The result of `settings.without_module`.
    """

    spawned: bool
    debug_mode: bool = False
    prepare: bytes = b""
    settings: bytes = b""

    @property
    def context(self) -> BaseContext:
        """The multiprocessing context that starts such processes."""
        return multiprocessing.get_context("spawn" if self.spawned else "fork")

    def load(self) -> None:
        """Load the project in the child, as Django's `_init_worker` does.

        No configured database is reached from now on.
        """
        # The parent's signal handlers are not for this process.
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent()
        guard.install()
        if not self.spawned:
            return
        import django
        from django.test.utils import setup_test_environment

        call_pickled(self.prepare)
        settings.configure(self.settings)
        django.setup()
        setup_test_environment(debug=self.debug_mode)

    def in_child(self, function: Callable[[Any], T]) -> Callable[[Any], T]:
        """Call a function in a forked child, or here if processes are spawned.

        What it raises is raised again.
        """
        if self.spawned:
            return _without_databases(function)

        def call(argument: Any) -> T:
            reading, writing = self.context.Pipe(duplex=False)
            process = self.context.Process(  # type: ignore[attr-defined]  # As above.
                target=_answer, args=(writing, function, [*argument])
            )
            start_child(process)
            writing.close()
            try:
                with reading:
                    if not reading.poll(LOAD_SECONDS):
                        raise ProjectError(
                            f"Loading the migrations took longer than {LOAD_SECONDS:g} seconds.",
                            "Look for code at the top level of your migration modules that blocks.",
                        )
                    answer, error = reading.recv()
            except EOFError:
                raise ProjectError(
                    "The process that loads the migrations ended unexpectedly."
                ) from None
            finally:
                process.kill()
                process.join()
            if error:
                raise ProjectError(error)
            result: T = answer
            return result

        return call


def start_child(process: Any) -> None:
    """Start a child process, possibly as a fork beside threads: see `may_fork`."""
    with warnings.catch_warnings():
        # Python 3.12 warns about every fork in a process with threads, whatever they do. The child
        # keeps this filter.
        message = r".*multi-threaded, use of fork\(\) may lead to deadlocks"
        warnings.filterwarnings("ignore", message, DeprecationWarning)
        process.start()


def _without_databases(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """The same function, while which no alias connects that is not connected."""

    def call(argument: Any) -> T:
        with guard.guarded(guard.refuse, keep_open=True):
            return function(argument)

    return call


def pickled_call(function: Callable[..., object] | None, *arguments: object) -> bytes:
    """A call for another process, pickled; empty for none."""
    return b"" if function is None else pickle.dumps((function, arguments))


def call_pickled(call: bytes) -> None:
    """Make a call that `pickled_call` has pickled."""
    if call:
        function, arguments = pickle.loads(call)  # noqa: S301  # From the parent of the run.
        function(*arguments)


def _answer(writing: Connection, function: Callable[[Any], Any], argument: Any) -> None:
    """Send the result of a function, or its error."""
    die_with_parent()
    guard.lend_nothing()
    try:
        writing.send((function(argument), ""))
    except Exception as error:  # noqa: BLE001  # The project's code may raise anything.
        writing.send((None, f"{type(error).__name__}: {error}"))


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies; elsewhere it ends at its next report.

    See PR_SET_PDEATHSIG in prctl(2).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def spawns(start_method: str, platform: str = sys.platform) -> bool:
    """Whether processes are spawned rather than forked: `fork`, `spawn`, or `auto`.

    Forking a loaded project is safe on Linux; macOS's own libraries do not survive it.

    Args:
        platform: The value of `sys.platform`.

    Raises:
        UsageError: No process can be waited for there as the toolkit does it.
    """
    if platform == "win32":
        raise UsageError(
            "Tests cannot run on Windows itself: it cannot wait for several pipes at once.",
            "Run it in WSL 2 (https://learn.microsoft.com/windows/wsl/), where Docker Desktop's "
            "engine is available, or in a container made from the toolkit's Dockerfile.",
        )
    if start_method == "auto":
        return platform != "linux" or "fork" not in multiprocessing.get_all_start_methods()
    return start_method == "spawn"
