"""What reports cost: a run of 5000 tiny tests with none, with the usual ones, and with all of them.

    scripts/bench-reports [ROUNDS [ENGINE]]

The engine is sqlite, whose tests take least, or postgresql.

Rounds go through the three in turn, so that a noisy machine is as noisy for each of them.
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from harness.projects import copy_of, environment, run

CLASSES, TESTS_EACH = 250, 20

HEADER = "from django.test import TestCase\nfrom library.models import Author\n"
CASE = "\nclass Tiny{number}(TestCase):\n"
TEST = "    def test_{number}(self):\n        self.assertEqual(Author.objects.count(), 1)\n"


def main(rounds: int, engine: str) -> None:
    """Print the medians, in seconds and compared with no report at all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_of("outcomes", folder)
        for file in (project / "library").glob("test_*.py"):
            file.unlink()
        tests = "".join(TEST.format(number=number) for number in range(TESTS_EACH))
        cases = "".join(CASE.format(number=number) + tests for number in range(CLASSES))
        (project / "library" / "test_tiny.py").write_text(HEADER + cases)
        env = environment(folder / "cache", {"OUTCOMES_DB": engine})
        files = {
            option: str(folder / option)
            for option in ("--junit", "--html", "--prometheus", "--log-file")
        }
        every = [word for pair in files.items() for word in pair]
        ways = {
            "no report": ["--event-logs", "0"],
            "the event log": [],
            "every format": [*every, "--log-format", "json"],
        }
        seconds: dict[str, list[float]] = {way: [] for way in ways}
        cpu: dict[str, list[float]] = {way: [] for way in ways}
        run(project, env=env)
        for _ in range(rounds):
            for way, options in ways.items():
                started, before = time.perf_counter(), _cpu_seconds()
                done = run(project, *options, env=env)
                seconds[way].append(time.perf_counter() - started)
                cpu[way].append(_cpu_seconds() - before)
                assert done.code == 0, done.output
        for way, found in seconds.items():
            print(
                f"{way:<15} {statistics.median(found):6.2f} s, {_beyond(found, seconds):+.1%}; "
                f"of the processors {statistics.median(cpu[way]):6.2f} s, "
                f"{_beyond(cpu[way], cpu):+.1%}"
            )


def _beyond(found: list[float], all_ways: dict[str, list[float]]) -> float:
    """How much more it is than without a report, in the round in the middle."""
    pairs = zip(found, all_ways["no report"], strict=True)
    return statistics.median(one / base for one, base in pairs) - 1


def _cpu_seconds() -> float:
    """What all processes that have ended took of the processors, which noise disturbs less."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["7"])[0]), (sys.argv[2:3] or ["sqlite"])[0])
