"""Ctrl-C before any test runs: unittest's own handler would swallow it."""

from __future__ import annotations

import signal
import threading
import unittest.signals
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C raise KeyboardInterrupt, as it does where no handler is installed."""
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
