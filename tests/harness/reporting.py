"""What reports cost: a run of 5000 tiny tests with none, with the usual ones, and with all of them.

    scripts/bench-reports [ROUNDS]

Rounds go through the three in turn, so that a noisy machine is as noisy for each of them.
"""

from __future__ import annotations

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


def main(rounds: int) -> None:
    """Print the medians, in seconds and compared with no report at all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = copy_of("outcomes", folder)
        for file in (project / "library").glob("test_*.py"):
            file.unlink()
        tests = "".join(TEST.format(number=number) for number in range(TESTS_EACH))
        cases = "".join(CASE.format(number=number) + tests for number in range(CLASSES))
        (project / "library" / "test_tiny.py").write_text(HEADER + cases)
        env = environment(folder / "cache")
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
        run(project, env=env)
        for _ in range(rounds):
            for way, options in ways.items():
                started = time.perf_counter()
                done = run(project, *options, env=env)
                seconds[way].append(time.perf_counter() - started)
                assert done.code == 0, done.output
        none = statistics.median(seconds["no report"])
        for way, found in seconds.items():
            ratios = [one / base for one, base in zip(found, seconds["no report"], strict=True)]
            print(
                f"{way:<15} {statistics.median(found):6.2f} s, least {min(found):6.2f} s, "
                f"{statistics.median(found) / none - 1:+.1%} (round by round "
                f"{statistics.median(ratios) - 1:+.1%})"
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
