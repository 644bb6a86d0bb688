"""What `run --affected` selects for a mutation."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

from harness.mutants.model import Mutation
from harness.mutants.selectors import Selection
from harness.mutants.subjects import Subject
from harness.programs import run_program

END: Final = re.compile(r"^\d+ tests? would run, \d+ not affected", re.MULTILINE)
"""What the explanation of a selection ends with."""

EVERYTHING: Final = "Every test runs:"
NOT_AFFECTED: Final = "Not affected:"


class Affected:
    """Selects tests with the toolkit, by a recording of the unchanged project."""

    name = "affected"

    def __init__(self, subject: Subject, python: Path) -> None:
        self._subject, self._python = subject, python

    def prepare(self, home: Path) -> None:
        """Record all tests.

        Raises:
            RuntimeError: If the run did not reach its end.
        """
        done = self._run(home, "--record", "--parallel=1")
        if not (home / "cache").exists() or "Ran " not in done.stdout:
            raise RuntimeError(done.stdout[-5000:])
        (home / "cache").rename(home / "recorded")

    def selected(self, home: Path, mutation: Mutation) -> Selection:
        """What the toolkit says would run; the recording stays as it was."""
        shutil.rmtree(home / "cache", ignore_errors=True)
        shutil.copytree(home / "recorded", home / "cache")
        begun = time.monotonic()
        output = self._run(home, "--affected", "--explain", "--parallel=1").stdout
        return replace(explained(output), seconds=time.monotonic() - begun)

    def has_failed(self, home: Path) -> bool:
        """Whether a run of the affected tests fails."""
        done = self._run(home, "--affected", "--parallel=1")
        return done.returncode != 0

    def _run(self, home: Path, *options: str) -> subprocess.CompletedProcess[str]:
        environment = self._subject.environment(home / "project", home / "cache")
        command = [str(self._python), "-m", "ctest_containers", "run", "--noinput", *options]
        return run_program(
            [*command, *self._subject.labels],
            home / "project",
            environment,
            stderr=subprocess.STDOUT,
            seconds=900,
            typed="",
            errors="replace",
        )


def explained(output: str) -> Selection:
    """The selection that an explanation describes."""
    if not END.search(output):
        return Selection(tests=None, output=output)
    lines = output.splitlines()
    named = lines[: lines.index(NOT_AFFECTED)] if NOT_AFFECTED in lines else lines
    tests = {line for line in named if re.fullmatch(r"\w+(\.\w+)+", line)}
    return Selection(tests=tests, is_everything=EVERYTHING in lines, output=output)
