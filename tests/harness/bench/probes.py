"""Small measurements, each in a process of its own: prints seconds by name, as JSON.

python -m harness.bench.probes fingerprint
python -m harness.bench.probes planning 20000
python -m harness.bench.probes simulated-run 100000 125 8 lost
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import unittest
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ctest_containers.timings import Measured, TimingsFile
from harness.bench import process, simulation
from harness.bench.trouble import BenchError
from harness.projects import TESTS

TESTS_OF_A_CLASS: Final = 20
WORKERS: Final = 8
PROBE_SECONDS: Final = 300.0


def probe(*arguments: str) -> dict[str, float]:
    """Take a measurement in a process of its own.

    Raises:
        BenchError: It failed.
    """
    ended = process.run(
        [sys.executable, "-m", "harness.bench.probes", *arguments],
        folder=Path(tempfile.gettempdir()),
        env=process.environment({"PYTHONPATH": str(TESTS)}),
        timeout_seconds=PROBE_SECONDS,
    )
    if ended.code:
        raise BenchError(f"The probe {' '.join(arguments)} failed:\n{ended.output}")
    found: dict[str, float] = json.loads(ended.output.splitlines()[-1])
    return found


def fingerprint() -> dict[str, float]:
    """The fingerprint of a project with 500 migrations."""
    from harness.templates import MIGRATIONS, fingerprint_seconds

    return {f"fingerprint of {MIGRATIONS} migrations": fingerprint_seconds()}


def planning(count: int) -> dict[str, float]:
    """All that is decided before the first of so many tests runs."""
    from ctest_containers.project.suite import make_batches
    from ctest_containers.session.schedule import (
        expected_seconds,
        longest_first,
        predict,
        split_long,
    )

    tests = _tests(count)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        seconds[f"{count} tests: {name}"] = time.perf_counter() - began

    with tempfile.TemporaryDirectory() as folder:
        file = TimingsFile(Path(folder) / "timings.json")
        measured = Measured(tests={test.id(): 0.001 * (i % 50) for i, test in enumerate(tests)})
        with timed("timings kept"):
            file.merge(measured)
        with timed("timings read"):
            timings, _ = file.read()
    with timed("batches made"):
        batches = make_batches(tests, ["default"])
    with timed("long classes split"):
        split_long(batches, timings, WORKERS)
    with timed("order and number of workers"):
        expected = expected_seconds(batches, timings)
        ordered = longest_first(batches, expected)
        each = [expected[batch.number] for batch in ordered]
        predict(each, most=WORKERS, cores=os.cpu_count() or 1, worker_bytes=None)
    return seconds


def _tests(count: int) -> list[unittest.TestCase]:
    import django
    from django.conf import settings

    settings.configure()
    django.setup()
    from django.test import TestCase

    names = [f"test_{number:02}" for number in range(TESTS_OF_A_CLASS)]
    methods = dict.fromkeys(names, lambda _: None)
    kinds = [
        type(f"Class{number:05}Tests", (TestCase,), dict(methods))
        for number in range(-(-count // TESTS_OF_A_CLASS))
    ]
    return [kind(name) for kind in kinds for name in names][:count]


def main(arguments: list[str]) -> None:
    """Take the measurement that is named."""
    what, *rest = arguments
    sys.stdout.write(json.dumps(_found(what, rest)) + "\n")


def _found(what: str, rest: list[str]) -> dict[str, float]:
    match what:
        case "fingerprint":
            return fingerprint()
        case "planning":
            return planning(int(rest[0]))
        case "simulated-plan":
            count, workers = rest
            return simulation.plan(int(count), int(workers))
        case _:
            count, nodes, slots, scenario = rest
            return simulation.run(int(count), int(nodes), int(slots), scenario)


if __name__ == "__main__":
    main(sys.argv[1:])
