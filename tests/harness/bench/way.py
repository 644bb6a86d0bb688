"""A way to run a suite, taken again and again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ctest_containers.text import last_lines
from harness.bench import process
from harness.bench.place import Place
from harness.bench.suites import Suite
from harness.bench.told import Counting, told
from harness.bench.trouble import BenchError

RUN_SECONDS: Final = 3600.0
"""What one run may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of a suite.

    Attributes:
        process_seconds: From the start of its process to its end.
        tests_seconds: What the tests took as their runner says; see `Told`.
        cpu_seconds: What its processes took of the cores.
    """

    process_seconds: float
    tests_seconds: float
    cpu_seconds: float
    tests: int
    failed: int


@dataclass(slots=True, kw_only=True)
class Way:
    """A way to run a suite.

    Attributes:
        before: A command that starts the interpreter.
        cold: Whether every run has a cache and a name of its own, and leaves no template.
        runs: How often it was taken.
    """

    name: str
    place: Place
    suite: Suite
    command: tuple[str, ...]
    variables: Mapping[str, str]
    counting: Counting = Counting.UNITTEST
    before: tuple[str, ...] = ()
    cold: bool = False
    runs: int = 0

    def __call__(self) -> Run:
        """Run the suite once.

        Raises:
            BenchError: It did not come to its end.
        """
        self.runs += 1
        name = f"cold-{self.runs}"
        own = self.place.toolkit_variables(name) if self.cold else {}
        try:
            return self._run({**self.variables, **own})
        finally:
            if self.cold:
                self.place.remove_images(name)
            # A runner that was ended may have left its own.
            self.place.remove_containers()

    def _run(self, variables: Mapping[str, str]) -> Run:
        env = process.environment({**self.suite.variables, **variables})
        ended = process.run(
            [*self.before, sys.executable, *self.command],
            folder=self.suite.folder,
            env=env,
            timeout_seconds=RUN_SECONDS,
        )
        found = told(ended.output, self.counting)
        if found is None or ended.code != bool(found.failed):
            raise BenchError(
                f"The way {self.name} ended with code {ended.code}:\n{last_lines(ended.output)}"
            )
        return Run(
            process_seconds=ended.wall_seconds,
            tests_seconds=found.seconds,
            cpu_seconds=ended.cpu_seconds,
            tests=found.tests,
            failed=found.failed,
        )
