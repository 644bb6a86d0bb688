"""Selects the tests that changes can reach, and explains the selection."""

from __future__ import annotations

import sys
import unittest
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from django.core.management import call_command

from ctest_containers.config import Config
from ctest_containers.errors import NothingToRun
from ctest_containers.events import AffectedTestsChosen, Event
from ctest_containers.impact.changes import Changes, changed_migrations
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.revision import Revision, changes_from
from ctest_containers.impact.select import Selection, select
from ctest_containers.impact.today import Today
from ctest_containers.impact.update import changes_of
from ctest_containers.names import class_of
from ctest_containers.session.run_recording import RunRecording
from ctest_containers.text import plural
from ctest_containers.usage.recording import Recording

NO_RECORDING = "no recording of the tests exists"

FAILED = "failed when it last ran"

Reaches = Callable[[Inputs, Sequence[unittest.TestCase]], Callable[[str, str], str] | None]
"""Builds the templates of tests, and returns what changed in databases; see `Changes.reaches`.

None if that is unknown.
"""


class AffectedTests:
    """Selects tests by what past runs have recorded.

    Args:
        reaches: Compares databases; None if every change of a migration lets all tests run.
        report: Called with what has been selected.
    """

    def __init__(
        self,
        config: Config,
        recording: RunRecording,
        report: Callable[[Event], None],
        reaches: Reaches | None = None,
    ) -> None:
        self._config = config
        self._reaches = reaches
        self._recording = recording
        self._report = report

    def select(
        self, tests: Sequence[unittest.TestCase], has_failed: Callable[[str], bool]
    ) -> Collection[str] | None:
        """Return the ids of the tests that run; None if all of them do.

        Args:
            has_failed: Whether a test failed when it last ran, by its id.

        Raises:
            NothingToRun: No test is affected, or the selection has only been explained.
            SystemCheckError: No test is affected, and the project fails Django's checks.
            UsageError: There is no such revision in Git.
        """
        if self._config.affected is None:
            return None
        selection = self._selection(self._recording.past, tests)
        failed = {test.id() for test in tests if has_failed(test.id())}
        selection = replace(
            selection,
            affected={**dict.fromkeys(failed, (FAILED,)), **selection.affected},
            left=selection.left - failed,
        )
        if self._config.explain:
            self._explain(selection)
        count = len(tests) - sum(test.id() in selection.left for test in tests)
        left = len(tests) - count
        # Every shard leaves an event log that says so.
        if not count and self._config.shard is None:
            check_project()
            raise NothingToRun(
                f"No test is affected by what {self._since()}; nothing to run "
                f"({left} not affected)."
            )
        self._report(
            AffectedTestsChosen(
                affected=count,
                not_affected=left,
                everything="; ".join(selection.everything[:3]),
                revision=self._config.affected,
            )
        )
        return selection.affected.keys()

    def _selection(self, recording: Recording, tests: Sequence[unittest.TestCase]) -> Selection:
        revision, reaches = self._config.affected, self._reaches
        # A revision that does not exist is an error, even if there is nothing to compare.
        then = Revision.find(revision, Path.cwd()) if revision else None
        return selection_of(
            recording,
            [test.id() for test in tests],
            lambda: Today.here({type(test) for test in tests}),
            reaches=None if reaches is None else lambda inputs: reaches(inputs, tests),
            differing=None if then is None else partial(changes_from, then),
        )

    def _since(self) -> str:
        revision = self._config.affected
        return f"differs from {revision}" if revision else "changed since the last recording"

    def _explain(self, selection: Selection) -> None:
        """Print why tests would run.

        Raises:
            NothingToRun: Always.
        """
        for line in explanation(selection):
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        affected = plural(len(selection.affected), "test")
        raise NothingToRun(
            f"{affected} would run, {len(selection.left)} not affected; --explain runs none."
        )


def selection_of(
    recording: Recording,
    ids: Sequence[str],
    here: Callable[[], Today],
    *,
    reaches: Callable[[Inputs], Callable[[str, str], str] | None] | None,
    differing: Callable[[Inputs, Today], Changes] | None,
) -> Selection:
    """Select tests by a recording.

    Args:
        ids: The tests that exist.
        here: Returns the project as it is now.
        reaches: Returns what changed in databases; see `Changes.reaches`.
        differing: Returns what differs from a revision; None to compare with the recording.
    """
    if not recording.units:
        return _all(ids, NO_RECORDING)
    inputs = Inputs.from_json(recording.inputs)
    today = here()
    changes = changes_of(inputs, today)
    if inputs is None:
        return _all(ids, *changes.everything)
    changes |= _of_databases(inputs, today, reaches)
    if differing is not None:
        since = differing(inputs, today)
        # A test that uses something else than when it was recorded may reach anything.
        changes = changes | since if since else Changes()
    return select(ids, recording.units, recording.marks, inputs, changes)


def check_project() -> None:
    """Check the project as Django does before it runs tests, if none runs.

    Raises:
        SystemCheckError: A run of all tests would fail as well.
    """
    call_command("check", verbosity=0)


def explanation(selection: Selection) -> Iterator[str]:
    """The lines that say why tests run, and which do not."""
    if selection.everything:
        yield "Every test runs:"
        yield from (f"  {reason}" for reason in selection.everything)
        return
    because: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
    for test, reasons in selection.affected.items():
        because[reasons].append(test)
    for reasons, tests in because.items():
        yield from tests
        yield from (f"  {reason}" for reason in reasons)
    if selection.left:
        yield "Not affected:"
        counts = Counter(map(class_of, selection.left))
        yield from (f"  {name}: {plural(count, 'test')}" for name, count in sorted(counts.items()))


def _all(ids: Sequence[str], *reasons: str) -> Selection:
    return Selection(affected=dict.fromkeys(ids, reasons), everything=reasons)


def _of_databases(
    inputs: Inputs,
    today: Today,
    reaches: Callable[[Inputs], Callable[[str, str], str] | None] | None,
) -> Changes:
    """Return what has changed in the databases that migrations create."""
    # Other things than migrations decide what they contain, too: fixtures, receivers of signals.
    if reaches is not None and (reach := reaches(inputs)) is not None:
        return Changes(reaches=reach)
    if migrations := changed_migrations(inputs, today):
        return Changes(everything=(f"the migration {min(migrations)} changed",))
    return Changes()
