"""How well the cores are kept busy, beside Django's own parallel runner and pytest-xdist."""

from __future__ import annotations

import argparse
import math
import os
import re
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

WORKERS = (2, 4)
MOST_OF_IDEAL = 1.05
MOST_MORE_SECONDS = 0.00015
EMPTY_TESTS = 5000

MANAGE = """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
SETTINGS = """\
SECRET_KEY = "of a benchmark"
INSTALLED_APPS = []
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
"""
CONFTEST = """\
import os
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
import django
django.setup()
"""

Suite = Mapping[str, Sequence[float]]
"""The seconds that the tests of each class sleep."""

IN_SECONDS = re.compile(r"(?:Ran \d+ tests?|passed) in ([\d.]+)s")


@dataclass(frozen=True, slots=True)
class Took:
    """What a run took, in seconds: its tests as it says itself, and its process."""

    tests: float
    process: float


def mixed() -> Suite:
    """Classes with a long tail of durations, one giant class (the last), and 2000 tiny tests."""
    suite: dict[str, Sequence[float]] = {"WorkflowTests": [0.5] * 16}
    for number in range(40):
        # Quantiles of an exponential distribution with a mean of 0.6 seconds.
        seconds = -0.6 * math.log(1 - (number + 0.5) / 40)
        suite[f"Tail{number:02}Tests"] = [seconds / 3] * 3
        suite[f"Tiny{number:02}Tests"] = [0.002] * 50
    return suite


def empty() -> Suite:
    """5000 tests in 100 classes that do nothing at all."""
    return {f"Empty{number:02}Tests": [0.0] * (EMPTY_TESTS // 100) for number in range(100)}


def ideal(suite: Suite, workers: int) -> float:
    """No schedule that keeps classes whole can end sooner."""
    sums = [sum(one) for one in suite.values()]
    return max(*sums, sum(sums) / workers)


def write(suite: Suite, folder: Path) -> None:
    """Make a project of it that every runner can run."""
    lines = ["import time", "from django.test import SimpleTestCase", ""]
    for name, durations in suite.items():
        lines.append(f"class {name}(SimpleTestCase):")
        for number, seconds in enumerate(durations):
            body = f"time.sleep({seconds:.6f})" if seconds else "pass"
            lines.append(f"    def test_{number:02}(self): {body}")
    folder.mkdir()
    (folder / "manage.py").write_text(MANAGE)
    (folder / "settings.py").write_text(SETTINGS)
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "test_generated.py").write_text("\n".join(lines) + "\n")


def commands(workers: int) -> dict[str, list[str]]:
    """How each of them is called."""
    number = str(workers)
    return {
        "toolkit": ["-m", "ctest_containers", "--parallel", number],
        "Django": ["manage.py", "test", "--parallel", number],
        "pytest-xdist": [
            *("-m", "pytest", "-q", "-n", number, "--dist", "worksteal"),
            *("-p", "no:randomly", "-p", "no:cacheprovider"),
        ],
    }


def run(command: Sequence[str], folder: Path) -> Took:
    """Run a suite once."""
    env = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache")}
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=env,
        check=False,
        capture_output=True,
        text=True,
        timeout=600,
    )
    seconds = time.perf_counter() - started
    found = IN_SECONDS.search(done.stdout + done.stderr)
    if done.returncode or found is None:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return Took(float(found[1]), seconds)


def medians(folder: Path, workers: int, names: Sequence[str], repeat: int) -> dict[str, Took]:
    """What each takes, in turn, after one run of the toolkit from which it learns."""
    run(commands(workers)["toolkit"], folder)
    took: dict[str, list[Took]] = defaultdict(list)
    for _ in range(repeat):
        for name in names:
            took[name].append(run(commands(workers)[name], folder))
    return {
        name: Took(
            statistics.median(one.tests for one in found),
            statistics.median(one.process for one in found),
        )
        for name, found in took.items()
    }


def main(arguments: list[str]) -> int:
    """Measure, print the tables, and fail where the toolkit misses what it promises."""
    parser = argparse.ArgumentParser(prog="scripts/bench-scheduling")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(arguments)
    missed: list[str] = []
    with TemporaryDirectory() as top:
        folder = Path(top) / "mixed"
        write(mixed(), folder)
        print("| workers | ideal | toolkit | Django | pytest-xdist |")
        print("| --- | --- | --- | --- | --- |")
        for workers in WORKERS:
            least = ideal(mixed(), workers)
            took = medians(folder, workers, list(commands(workers)), options.repeat)
            cells = [f"{one.tests:.2f} s ({one.tests / least:.3f})" for one in took.values()]
            print(f"| {workers} | {least:.2f} s | {' | '.join(cells)} |", flush=True)
            if took["toolkit"].tests > MOST_OF_IDEAL * least:
                missed.append(f"{workers} workers take more than {MOST_OF_IDEAL} of the ideal")
        folder = Path(top) / "empty"
        write(empty(), folder)
        took = medians(folder, 2, ["toolkit", "Django"], options.repeat)
        more = (took["toolkit"].tests - took["Django"].tests) / EMPTY_TESTS
        print(f"\n{EMPTY_TESTS} empty tests in 2 workers, tests and whole process:")
        for name, one in took.items():
            print(f"  {name}: {one.tests:.2f} s, {one.process:.2f} s")
        print(f"  more for each test: {more * 1000:.3f} ms")
        if more > MOST_MORE_SECONDS:
            missed.append(f"an empty test costs more than {MOST_MORE_SECONDS * 1000} ms more")
    for words in missed:
        print(f"Missed: {words}.")
    return bool(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
