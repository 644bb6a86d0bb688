"""What uses a processor, alone or through its children, makes progress; what waits makes none."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from ctest_containers.limits import Limit
from ctest_containers.workers.progress import Progress, cpu_seconds

WAITS = "import time; time.sleep(60)"
WORKS = "while True: pass"
CHILD_WORKS = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKS!r}])"
LIMIT = Limit(1.5, idle_only=True, at_most=30.0)


@contextmanager
def _process(code: str) -> Iterator[int]:
    """A process that has the time of its start behind it."""
    process = subprocess.Popen([sys.executable, "-c", f"print(flush=True)\n{code}"], stdout=-1)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        yield process.pid
    finally:
        for child in psutil.Process(process.pid).children(recursive=True):
            child.kill()
        process.kill()
        process.communicate()


def _watch(progress: Progress, seconds: float) -> tuple[bool, bool]:
    """Check for so long, or until it is stalled; whether it is, and whether it ever was slow."""
    end, was_slow = time.monotonic() + seconds, False
    while not progress.stalled and time.monotonic() < end:
        progress.check()
        was_slow |= progress.slow
        time.sleep(0.02)
    return progress.stalled, was_slow


def test_what_uses_no_processor_is_stalled_after_its_limit_and_never_slow() -> None:
    with _process(WAITS) as pid:
        begun = time.monotonic()
        progress = Progress(LIMIT, process=pid, servers=list)

        assert _watch(progress, 6.0) == (True, False)
        assert time.monotonic() - begun >= LIMIT.seconds


@pytest.mark.parametrize("code", [WORKS, CHILD_WORKS], ids=["itself", "through a child"])
def test_what_uses_a_processor_goes_on_and_is_slow_from_its_limit_on(code: str) -> None:
    with _process(code) as pid:
        progress = Progress(LIMIT, process=pid, servers=list)
        seconds = []
        end = time.monotonic() + 3.8
        while time.monotonic() < end:
            if progress.check() and progress.slow:
                seconds.append(progress.seconds)
            time.sleep(0.02)

        assert not progress.stalled
        # Said when the limit is passed, and when twice that has.
        assert [round(one / LIMIT.seconds) for one in seconds] == [1, 2]


def test_progress_ends_with_all_that_the_limits_above_allow() -> None:
    with _process(WORKS) as pid:
        # On a busy machine, a process that works may get no processor for half a second.
        limit = Limit(1.0, idle_only=True, at_most=1.5)
        progress = Progress(limit, process=pid, servers=list)

        assert _watch(progress, 5.0) == (True, True)
        assert limit.exceeded(progress.seconds) == "took longer than 1.5 s"


def test_the_cpu_time_of_an_ended_process_is_unknown() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()

    assert cpu_seconds(process.pid) is None
