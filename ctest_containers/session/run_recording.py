"""What past runs have recorded of the tests, and what this run adds to it."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctest_containers.config import Config
from ctest_containers.events import ReportLost, RunStarted
from ctest_containers.history.last_failed import LastOutcomes, owners_of
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.nodes import IMPORT
from ctest_containers.impact.today import More, Today
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
        file: The file of the recording.
        report: Called if it cannot be read or written.
        more: See `Today.more`.

    Attributes:
        since: When the run began, in seconds since the epoch.
    """

    def __init__(
        self,
        config: Config,
        file: RecordingFile,
        report: Callable[[ReportLost], None],
        more: More | None = None,
    ) -> None:
        self._config = config
        self._file = file
        self._report = report
        self._more = more
        self._run, self.since = Run(), 0.0
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
        self.since = moment - started.startup_seconds

    def discovered(self, classes: Iterable[type]) -> None:
        """Note the classes of all tests that were discovered, whether they run or not."""
        self._classes = frozenset(classes)

    def collected(
        self,
        usage: UsageReport,
        ids: Sequence[str],
        outcomes: LastOutcomes,
        *,
        selects_all: bool,
    ) -> None:
        """Note what the run has recorded.

        Args:
            ids: The ids of the tests that the run was to run.
            selects_all: Whether no option has left out any test of the project.
        """
        if not usage.has_usage:
            return
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
        today = Today.here(self._classes, self.since, self._more)
        recorded = self._resolved(today)
        if self._config.shard is None:
            self._report_problem(
                self._file.update(lambda before: _added(before, recorded, today, schemas))
            )
        elif self._config.event_log:
            log = Path(self._config.event_log)
            self._write(self._part(recorded, today, schemas), RecordingFile.beside(log))

    def save_part(self, schemas: Mapping[str, Any], file: RecordingFile) -> None:
        """Write what this process has recorded; see `add_parts`."""
        if self._latest is not None:
            today = Today.here(self._classes, self.since, self._more)
            self._write(self._part(self._resolved(today), today, schemas), file)

    def _resolved(self, today: Today) -> Recording:
        assert self._latest is not None
        return replace(self._latest, units=resolved(self._latest.units, today.definition_of))

    def _part(self, recorded: Recording, today: Today, schemas: Mapping[str, Any]) -> Recording:
        """Return what this job has recorded, with inputs of what other jobs may have, too."""
        part = _following(recorded, self.past, today, schemas)
        # The other jobs may be missing, so what was recorded before may still count.
        both = joined(self.past, replace(part, is_complete=False))
        return replace(part, inputs=_with_inputs(both, self.past, today, schemas).inputs)

    def _write(self, part: Recording, file: RecordingFile) -> None:
        try:
            file.write(part)
        except OSError as error:
            self._report_problem(f"The recording of the tests cannot be written: {error}.")

    def _report_problem(self, problem: str) -> None:
        if problem:
            self._report(ReportLost(reason=problem))


def _added(
    before: Recording, recorded: Recording, today: Today, schemas: Mapping[str, Any]
) -> Recording:
    """Return what was recorded before, and what this run has."""
    follows = not recorded.is_complete
    latest = _following(recorded, before, today, schemas) if follows else recorded
    return _with_inputs(joined(before, latest), before, today, schemas)


def _with_inputs(
    both: Recording, before: Recording, today: Today, schemas: Mapping[str, Any]
) -> Recording:
    """Return a recording with its inputs; those from before save most of the work."""
    earlier = Inputs.from_json(before.inputs) or Inputs()
    # Those of databases that this run has not used are as they were.
    others = {} if both.is_complete else earlier.schemas
    # A run of some tests imports only their modules.
    imported = () if both.is_complete else {name for name, part in earlier.base if part == IMPORT}
    inputs = today.inputs(both.units, {**others, **schemas}, earlier, imported=imported)
    return replace(both, inputs=inputs.to_json())


def _following(
    recorded: Recording, before: Recording, today: Today, schemas: Mapping[str, Any]
) -> Recording:
    """Return what a run has recorded, with marks of the tests that are affected and did not run."""
    # Runs of all tests do not need what these import.
    from ctest_containers.impact.reaching import reaching
    from ctest_containers.impact.update import stale

    inputs = Inputs.from_json(before.inputs) or Inputs()
    reaches = reaching(inputs.schemas, schemas) if schemas else None
    marks = {
        test: reason
        for test, reason in stale(before, today, reaches).items()
        if TEST + test not in recorded.units
    }
    return replace(recorded, follows=before.run.id, marks={**marks, **recorded.marks})
