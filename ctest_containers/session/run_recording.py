"""What past runs have recorded of the tests, and what this run adds to it."""

from __future__ import annotations

import datetime as dt
import functools
import unittest
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctest_containers.config import Config
from ctest_containers.events import ReportLost, RunStarted
from ctest_containers.history.last_failed import LastOutcomes, owners_of
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.reaching import reaching
from ctest_containers.impact.today import Today
from ctest_containers.impact.update import stale
from ctest_containers.report.usage import UsageReport
from ctest_containers.usage.merging import joined
from ctest_containers.usage.model import TEST
from ctest_containers.usage.packing import resolved
from ctest_containers.usage.recording import Recording, Run
from ctest_containers.usage.store import RecordingFile


class RunRecording:
    """The recording of a project's tests, read once and written at the end of a run.

    A run with `--shard` writes a file of its own beside its event log: other jobs may have yet to
    select their tests by the recording. `report merge` joins what all of them have recorded.

    Args:
        timings: The file of timings, which the recording is beside.
        report: Called if it cannot be read or written.
    """

    def __init__(self, config: Config, timings: Path, report: Callable[[ReportLost], None]) -> None:
        self._config = config
        self._file = RecordingFile.beside(timings)
        self._report = report
        self._run, self._since = Run(), 0.0
        self._classes: frozenset[type] = frozenset()
        self._latest: Recording | None = None

    @functools.cached_property
    def past(self) -> Recording:
        """What past runs have recorded; read once, because another run may change it meanwhile."""
        recording, problem = self._file.read()
        self._report_problem(problem)
        return recording

    def begin(self, started: RunStarted) -> None:
        """Note when the run began."""
        self._run = Run(started.run, started.started_at)
        moment = dt.datetime.fromisoformat(started.started_at).timestamp()
        # Modules are loaded before the run begins.
        self._since = moment - started.startup_seconds

    def discovered(self, tests: Iterable[unittest.TestCase]) -> None:
        """Note which tests the run has discovered, whether it runs them or not."""
        self._classes = frozenset(map(type, tests))

    def collected(
        self,
        usage: UsageReport,
        tests: Sequence[unittest.TestCase],
        outcomes: LastOutcomes,
        *,
        selects_all: bool,
    ) -> None:
        """Note what the run has recorded.

        Args:
            tests: The tests that the run was to run.
            selects_all: Whether no option has left out any test of the project.
        """
        if not usage.has_usage:
            return
        ids = [test.id() for test in tests]
        ended = all(
            test in outcomes.ended or not outcomes.skipped_owners.isdisjoint(owners_of(test))
            for test in ids
        )
        latest = usage.recording(self._run, ids, outcomes)
        self._latest = replace(latest, is_complete=selects_all and ended)

    def save(self, schemas: Mapping[str, Any]) -> None:
        """Add what this run has recorded.

        Args:
            schemas: What the databases contain before the first test, by alias.
        """
        if self._latest is None:
            return
        # It is unknown which contents of files that have changed since then the tests have used.
        today = Today.here(self._classes, self._since)
        recorded = replace(self._latest, units=resolved(self._latest.units, today.definition_of))

        def with_inputs(both: Recording, before: Recording) -> Recording:
            earlier = Inputs.from_json(before.inputs) or Inputs()
            # Those of databases that this run has not used are as they were.
            others = {} if both.is_complete else earlier.schemas
            inputs = today.inputs(both.units, {**others, **schemas}, earlier)
            return replace(both, inputs=inputs.to_json())

        def added(before: Recording) -> Recording:
            latest = (
                recorded if recorded.is_complete else _following(recorded, before, today, schemas)
            )
            return with_inputs(joined(before, latest), before)

        if self._config.shard is None:
            self._report_problem(self._file.update(added))
        elif self._config.event_log:
            part = _following(recorded, self.past, today, schemas)
            # The other jobs may be missing, so what was recorded before may still count.
            both = joined(self.past, replace(part, is_complete=False))
            inputs = with_inputs(both, self.past).inputs
            self._write_part(replace(part, inputs=inputs), Path(self._config.event_log))

    def _write_part(self, part: Recording, log: Path) -> None:
        try:
            RecordingFile.beside(log).write(part)
        except OSError as error:
            self._report_problem(f"The recording of the tests cannot be written: {error}.")

    def _report_problem(self, problem: str) -> None:
        if problem:
            self._report(ReportLost(reason=problem))


def _following(
    recorded: Recording, before: Recording, today: Today, schemas: Mapping[str, Any]
) -> Recording:
    """Return what a run has recorded, with marks of the tests that are affected and did not run."""
    inputs = Inputs.from_json(before.inputs) or Inputs()
    reaches = reaching(inputs.schemas, schemas) if schemas else None
    marks = {
        test: reason
        for test, reason in stale(before, today, reaches).items()
        if TEST + test not in recorded.units
    }
    return replace(recorded, follows=before.run.id, marks={**marks, **recorded.marks})
