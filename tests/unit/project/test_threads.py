"""A process is forked where no other thread can hold a lock."""

from __future__ import annotations

import subprocess
import sys
from textwrap import dedent

import pytest

from ctest_containers.project.threads import THREADS

pytestmark = pytest.mark.skipif(not THREADS.exists(), reason="only Linux tells")

BEGIN = """
import os, threading, time
from ctest_containers.project.threads import may_fork

def start(target):
    threading.Thread(target=target, daemon=True).start()

def as_execnet(code):
    # A function in a module of the package whose threads are known to read.
    namespace = {"__name__": "execnet.made_for_a_test", "os": os}
    exec(f"def target():\\n    {code}", namespace)
    return namespace["target"]

reading, writing = os.pipe()
"""

END = """
os.write(1, str(may_fork(patience)).encode())
os._exit(0)
"""


def _may_fork(code: str, *, patience: float = 0.3) -> bool:
    """What a new process says, which has no threads of other tests."""
    text = f"{BEGIN}\n{dedent(code)}\npatience = {patience}\n{END}"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout == "True"


def test_a_process_without_other_threads_may_fork() -> None:
    assert _may_fork("", patience=10)


def test_a_reader_of_pytest_xdist_that_waits_for_input_does_not_prevent_forking() -> None:
    assert _may_fork('start(as_execnet(f"os.read({reading}, 1)"))', patience=10)


def test_a_reader_that_works_for_a_moment_is_waited_for() -> None:
    assert _may_fork(
        """
        start(as_execnet(f"sum(range(3 * 10**7)); os.read({reading}, 1)"))
        time.sleep(0.1)
        """,
        patience=60,
    )


def test_another_thread_that_waits_for_input_may_hold_a_lock() -> None:
    assert not _may_fork("start(lambda: os.read(reading, 1))")


def test_a_reader_that_is_busy_prevents_forking() -> None:
    assert not _may_fork('start(as_execnet("while True: sum(range(1000))"))')


def test_a_thread_that_waits_for_a_lock_or_an_event_prevents_forking() -> None:
    assert not _may_fork("start(threading.Event().wait)")


def test_a_thread_that_works_prevents_forking() -> None:
    assert not _may_fork("start(lambda: [sum(range(1000)) for _ in range(10**9)])")
