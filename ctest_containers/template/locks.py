"""Locks between the runs of one user; a lock ends with the process that holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ctest_containers.errors import TemplateError


@contextmanager
def locked(
    folder: Path, name: str, *, timeout_seconds: float, waiting: Callable[[], None]
) -> Iterator[None]:
    """Hold a lock during the block, so that no other run does the same.

    Args:
        folder: The toolkit's cache folder.
        waiting: Called if another run holds the lock.

    Raises:
        TemplateError: Another run has held it for longer than `timeout_seconds`.
    """
    folder = folder / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / f"{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        waiting()
        try:
            lock.acquire(timeout=timeout_seconds)
        except Timeout as error:
            raise TemplateError(
                f"Another run has been building {name} for more than {timeout_seconds:g} seconds.",
                "End that run, or give it more time with --build-timeout.",
            ) from error
    try:
        yield
    finally:
        lock.release()
