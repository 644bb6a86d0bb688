"""A process is forked where no other thread can hold a lock."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from harness.projects import wait_for

from ctest_containers.project.threads import THREADS, may_fork

pytestmark = pytest.mark.skipif(not THREADS.exists(), reason="only Linux tells")


@contextmanager
def _thread(target: Callable[[], object]) -> Iterator[None]:
    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    yield
    thread.join(5)


@pytest.fixture(autouse=True)
def alone() -> None:
    """Nothing of other tests runs beside: a worker of pytest-xdist has a thread that reads."""
    wait_for(may_fork, 5, "the end of other threads")


def _as_execnet(code: str) -> Callable[[], object]:
    """A function in a module of the package whose threads are known to read."""
    namespace: dict[str, Any] = {"__name__": "execnet.made_for_a_test", "os": os}
    exec(f"def target():\n    {code}", namespace)  # noqa: S102
    target: Callable[[], object] = namespace["target"]
    return target


def test_a_reader_of_pytest_xdist_that_waits_for_input_does_not_prevent_forking() -> None:
    reading, writing = os.pipe()
    with _thread(_as_execnet(f"os.read({reading}, 1)")):
        wait_for(may_fork, 5, "a thread that reads")
        os.write(writing, b"x")
    os.close(reading)
    os.close(writing)


def test_another_thread_that_waits_for_input_may_hold_a_lock() -> None:
    reading, writing = os.pipe()
    with _thread(lambda: os.read(reading, 1)):
        assert not may_fork()
        os.write(writing, b"x")
    os.close(reading)
    os.close(writing)


def test_a_reader_that_is_busy_prevents_forking() -> None:
    stop: list[int] = []
    target = _as_execnet("while not stop: sum(range(1000))")
    target.__globals__["stop"] = stop
    with _thread(target):
        assert not may_fork()
        stop.append(1)


def test_a_thread_that_waits_for_a_lock_or_an_event_prevents_forking() -> None:
    event = threading.Event()
    with _thread(event.wait):
        assert not may_fork()
        event.set()


def test_a_running_thread_prevents_forking() -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            sum(range(1000))

    with _thread(work):
        assert not may_fork()
        stop.set()
