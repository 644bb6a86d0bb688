"""What `--record` costs: runs with it and without it in turn, each in one worker.

    scripts/bench-usage [ROUNDS [CASE …]]

The cases are `shop sqlite`, `shop postgresql` and `trivial sqlite`; `trivial` is a project with
2,000 tests that do next to nothing. Processor time is that of all processes of a run, without the
server's.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from harness.projects import PROJECTS, copy_of, environment

CASES: Final = ("shop sqlite", "shop postgresql", "trivial sqlite")
WAYS: Final = ("--no-record", "--record")

CLASSES: Final = 100
TESTS_EACH: Final = 20

CASE: Final = "\n\nclass Tiny{number}(SimpleTestCase):\n"
TEST: Final = """
    def test_{number}(self):
        self.assertEqual({number} + 1, 1 + {number})
"""


def main(rounds: int, cases: list[str]) -> None:
    """Print the medians, in seconds and compared with runs that record nothing."""
    print(f"Python {sys.version.split()[0]}, {rounds} rounds")
    with tempfile.TemporaryDirectory() as name:
        for case in cases:
            folder = Path(name) / case.replace(" ", "-")
            project, _, server = case.partition(" ")
            if project == "shop":
                where, server_variable = PROJECTS / "shop", "SHOP_DB"
            else:
                where, server_variable = _trivial(folder), "OUTCOMES_DB"
            extra = {
                server_variable: server,
                "PYTHONDONTWRITEBYTECODE": "",
                "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
            }
            _compare(case, where, environment(folder / "cache", extra), rounds)


def _compare(case: str, project: Path, env: Mapping[str, str], rounds: int) -> None:
    figures: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    # The first runs build the template, compile modules, and make the recording.
    for way in WAYS:
        _run(project, env, way)
    for number in range(rounds):
        for way in WAYS if number % 2 == 0 else reversed(WAYS):
            figures[way].append(_run(project, env, way))
    for position, what in enumerate(("of the processors", "in all")):
        without, with_it = ([figure[position] for figure in figures[way]] for way in WAYS)
        shares = sorted(more / base - 1 for base, more in zip(without, with_it, strict=True))
        print(
            f"{case:<16} {what:<18} {statistics.median(without):6.2f} s, with --record "
            f"{statistics.median(with_it):6.2f} s: {statistics.median(shares):+.1%} "
            f"(from {shares[0]:+.1%} to {shares[-1]:+.1%}); least "
            f"{min(without):.2f} s, {min(with_it):.2f} s: {min(with_it) / min(without) - 1:+.1%}",
            flush=True,
        )


def _run(project: Path, env: Mapping[str, str], way: str) -> tuple[float, float]:
    """Run the tests, and return the seconds of the processors and those that passed."""
    started, before = time.perf_counter(), _cpu_seconds()
    command = [sys.executable, "-m", "ctest_containers", "--parallel=1"]
    if way == "--record":
        command.append(way)
    done = subprocess.run(
        command, cwd=project, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return _cpu_seconds() - before, time.perf_counter() - started


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _trivial(folder: Path) -> Path:
    project = copy_of("outcomes", folder)
    for file in (project / "library").glob("test_*.py"):
        file.unlink()
    tests = "".join(TEST.format(number=number) for number in range(TESTS_EACH))
    cases = "".join(CASE.format(number=number) + tests for number in range(CLASSES))
    (project / "library" / "test_tiny.py").write_text(
        f"from django.test import SimpleTestCase\n{cases}"
    )
    return project


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["7"])[0]), sys.argv[2:] or list(CASES))
