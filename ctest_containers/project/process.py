"""Child processes of the loaded project: forked where the platform has fork, else spawned."""

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
"""What a child may take to load code of the project, and to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSetup:
    """How a child process comes to have the project loaded.

    Attributes:
        spawned: Whether it starts as a fresh interpreter; a forked one has everything already.
        debug_mode: What `settings.DEBUG` is during tests.
        prepare: What Django's own parallel runner calls in a spawned worker before `django.setup`,
            as `pickled_call` has made it: reading it imports code of the project.
        settings: What `settings.without_module` has given.
    """

    spawned: bool
    debug_mode: bool = False
    prepare: bytes = b""
    settings: bytes = b""

    @property
    def context(self) -> BaseContext:
        """What starts such processes."""
        return multiprocessing.get_context("spawn" if self.spawned else "fork")

    def load(self) -> None:
        """Load the project in the child, as Django's `_init_worker` does.

        No configured database is reached from now on.
        """
        # The parent's way of ending is not this process's.
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
        """The same function, called in a forked child; here where processes are spawned.

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
                            "Look for code that waits at the top level of your migration modules.",
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
    """Start a child process, which may be a fork beside threads: see `may_fork`."""
    with warnings.catch_warnings():
        # Python 3.12 warns of every fork in a process that has threads, whatever they do. The child
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
    """A call that another process is to make, if there is one."""
    return b"" if function is None else pickle.dumps((function, arguments))


def call_pickled(call: bytes) -> None:
    """Make a call that `pickled_call` has written down."""
    if call:
        function, arguments = pickle.loads(call)  # noqa: S301  # From the parent of the run.
        function(*arguments)


def _answer(writing: Connection, function: Callable[[Any], Any], argument: Any) -> None:
    """Send what a function gives, or what it raises."""
    die_with_parent()
    guard.lend_nothing()
    try:
        writing.send((function(argument), ""))
    except Exception as error:  # noqa: BLE001  # The project's code may raise anything.
        writing.send((None, f"{type(error).__name__}: {error}"))


def die_with_parent() -> None:
    """Let the kernel end this process when its parent dies; elsewhere it ends at its next report.

    See PR_SET_PDEATHSIG in prctl(2).
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def spawns(start_method: str, platform: str = sys.platform) -> bool:
    """Whether processes are spawned rather than forked: `fork`, `spawn`, or `auto`.

    Forking a loaded project is safe on Linux; macOS's own libraries do not survive it.

    Args:
        platform: As `sys.platform` has it.

    Raises:
        UsageError: No process can be waited for there as the toolkit does it.
    """
    if platform == "win32":
        raise UsageError(
            "Tests cannot be run on Windows itself, which has no way to wait for several processes "
            "and servers by their pipes.",
            "Run it in WSL 2 (https://learn.microsoft.com/windows/wsl/), where Docker Desktop's "
            "engine answers, too, or in a container made from the toolkit's Dockerfile.",
        )
    if start_method == "auto":
        return platform != "linux" or "fork" not in multiprocessing.get_all_start_methods()
    return start_method == "spawn"
