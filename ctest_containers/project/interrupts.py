"""Handles Ctrl-C before any test runs, which unittest's handler would swallow, and SIGTERM."""

from __future__ import annotations

import signal
import threading
import unittest.signals
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, as without a handler."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def was_interrupted() -> bool:
    """Whether Ctrl-C was pressed since Django installed unittest's handler."""
    handler = unittest.signals._interrupt_handler  # type: ignore[attr-defined]  # not public
    return bool(getattr(handler, "called", False))


class Terminated(KeyboardInterrupt):
    """SIGTERM has arrived, as when a CI job is cancelled: stop now, and clean up."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let the first SIGTERM raise `Terminated`, and ignore later ones during clean-up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def terminate(number: int, frame: FrameType | None) -> None:
        del frame
        signal.signal(number, signal.SIG_IGN)
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
