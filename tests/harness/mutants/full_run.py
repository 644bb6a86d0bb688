"""Runs all tests of a project, and compares how they end with and without a mutation."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.mutants.recorder import CPU_SECONDS
from harness.mutants.subjects import Subject
from harness.programs import run_program
from harness.recording import VARIABLE

RUNNER: Final = "harness.mutants.recorder.OutcomesRunner"

Outcomes = Mapping[str, tuple[str, ...]]
"""For each test, by its id, what was reported on it."""

FIXTURE: Final = re.compile(r"((?:setUp|tearDown)(?:Class|Module)) \((.*)\)")


@dataclass(frozen=True)
class FullRun:
    """How all tests of a project have ended.

    Attributes:
        outcomes: None if the run did not reach its end.
        seconds: How long it took.
    """

    outcomes: Outcomes | None
    seconds: float
    output: str


def run_fully(
    subject: Subject, folder: Path, python: Path, scratch: Path, *, cpu_seconds: int = 600
) -> FullRun:
    """Run all tests with Django's own runner.

    Args:
        folder: The copy of the project.
        scratch: A folder for the record of the run.
        cpu_seconds: How much processor time it may take.
    """
    record = scratch / "outcomes.json"
    record.unlink(missing_ok=True)
    environment = subject.environment(folder, scratch / "cache")
    environment |= {VARIABLE: str(record), CPU_SECONDS: str(cpu_seconds)}
    command = [str(python), "-m", "django", "test", "--noinput"]
    begun = time.monotonic()
    try:
        output = run_program(
            [*command, f"--testrunner={RUNNER}", *subject.labels],
            folder,
            environment,
            stderr=subprocess.STDOUT,
            seconds=900,
            typed="",
            errors="replace",
        ).stdout
    except subprocess.TimeoutExpired:
        output = "the time limit was reached"
    seconds = time.monotonic() - begun
    if not record.exists():
        return FullRun(None, seconds, output)
    raw = {test: tuple(kinds) for test, kinds in json.loads(record.read_text()).items()}
    return FullRun(raw, seconds, output)


def changed_tests(before: Outcomes, after: Outcomes) -> dict[str, tuple[str, str]]:
    """The tests that end in another way, each with how it ended before and ends now.

    A failed fixture of a class or a module counts for each of its tests. Tests that are gone do not
    count, as nothing can select them.
    """
    spread_before, spread_after = _spread(before, before), _spread(after, before)
    return {
        test: (spread_before.get(test, "-"), kinds)
        for test, kinds in spread_after.items()
        if spread_before.get(test) != kinds
    }


def _spread(outcomes: Outcomes, known: Outcomes) -> dict[str, str]:
    """How each test ended, where what was reported on a fixture counts for each of its tests."""
    tests = {test: list(kinds) for test, kinds in outcomes.items() if not FIXTURE.match(test)}
    for name, kinds in outcomes.items():
        if fixture := FIXTURE.match(name):
            for test in {*known, *outcomes}:
                if test.startswith(f"{fixture[2]}.") and not FIXTURE.match(test):
                    tests.setdefault(test, []).extend(f"{kind} in {fixture[1]}" for kind in kinds)
    return {test: ", ".join(kinds) for test, kinds in tests.items()}
