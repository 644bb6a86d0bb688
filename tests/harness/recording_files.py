"""The size of the recording of a large suite, and how long it takes to read and to write.

    scripts/bench-recording [TESTS [ROUNDS]]

Each test runs 300 functions and sends 40 kinds of statements. `update` is what happens at the end
of a run of one test in a hundred: the file is read, joined with what was recorded, and written.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from ctest_containers.usage.merging import joined
from ctest_containers.usage.model import TEST
from ctest_containers.usage.packing import Packer, resolved
from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.store import RecordingFile
from harness.made_usage import made_usage

FIRST = Run("11111111", "2026-01-30T10:00:00.000+00:00")
SECOND = Run("22222222", "2026-01-31T10:00:00.000+00:00")


def made_recording(tests: int) -> tuple[Recording, float]:
    """The recording of a suite, and how many seconds it took to pack it."""
    packer, seconds = Packer(), 0.0
    for unit, usage in made_usage(tests):
        began = time.process_time()
        packer.add(unit, usage)
        seconds += time.process_time() - began
    units = resolved(packer.packed(), lambda function: (function[0], f"function{function[1]}"))
    return Recording(run=FIRST, units=units, runs=dict.fromkeys(units, FIRST)), seconds


def some(recording: Recording) -> Recording:
    """What a run of one test in a hundred records."""
    packer = Packer()
    tests = [unit for unit in recording.units if unit.startswith(TEST)][::100]
    packer.copy(recording.units, tests)
    runs = dict.fromkeys(tests, SECOND)
    return Recording(run=SECOND, follows=FIRST.id, units=packer.packed(), runs=runs)


def main(tests: int, rounds: int) -> None:
    """Print the size, and medians in seconds of a processor."""
    recording, packing = made_recording(tests)
    functions = len(recording.units.columns["definitions"].members)
    statements = len(recording.units.statements.counts)
    print(f"{tests} tests, {functions} uses of functions, {statements} statements")
    print(f"pack    {packing:6.2f} s, {packing / tests * 1e6:.0f} µs for each test")
    with tempfile.TemporaryDirectory() as folder:
        file = RecordingFile(Path(folder) / "timings.json.usage")
        latest = some(recording)
        print(f"write   {_seconds(lambda: file.update(lambda _: recording), rounds):6.2f} s")
        print(f"size    {file.path.stat().st_size / 1e6:6.1f} MB")
        print(f"read    {_seconds(file.read, rounds):6.2f} s")
        seconds = _seconds(lambda: file.update(lambda _: joined(recording, latest)), rounds)
        print(f"update  {seconds:6.2f} s")
    print(f"memory  {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:6.0f} MiB at most")


def _seconds(work: Callable[[], object], rounds: int) -> float:
    durations = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        durations.append(time.process_time() - began)
    return statistics.median(durations)


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["20000"])[0]), int((sys.argv[2:3] or ["5"])[0]))
