"""The part of the plugin that records what tests use, and selects those that changes can reach."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any, Final

import pytest

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.events import ReportLost
from ctest_containers.history.last_failed import LastOutcomes
from ctest_containers.impact.revision import Revision
from ctest_containers.pytest_session.databases import PytestDatabases
from ctest_containers.pytest_session.items import Items
from ctest_containers.pytest_session.outcomes import Outcomes
from ctest_containers.pytest_session.saving import save
from ctest_containers.pytest_session.selecting import (
    Decision,
    decide,
    decision_of,
    selection_of_items,
)
from ctest_containers.pytest_session.shared import (
    Collected,
    SharedSession,
    able_to_build,
    takes_all,
)
from ctest_containers.pytest_session.summaries import Summaries
from ctest_containers.pytest_session.usage import TestUsage
from ctest_containers.session.run_recording import RunRecording
from ctest_containers.text import plural
from ctest_containers.timings.store import default_path
from ctest_containers.usage.hooks import UnavailableError
from ctest_containers.usage.loaded import LoadedFunctions
from ctest_containers.usage.store import RecordingFile

ENDING: Final = ".pytest"
"""Comes before the ending of the recording's file: `run` names tests in another way."""

INPUT: Final = "ctest_recording"
"""The name under which a worker of pytest-xdist gets and returns data."""


class RecordingPlugin:
    """Hooks of one process of a session.

    Args:
        databases: The databases of this process; None if it only distributes tests.
        loaded: What finds the functions that were loaded before.
        say: Called with each line to show to the user.
    """

    def __init__(
        self,
        pytest_config: pytest.Config,
        config: Config,
        *,
        worker: int,
        databases: PytestDatabases | None,
        loaded: LoadedFunctions,
        say: Any,
    ) -> None:
        if config.affected:
            # A revision that does not exist is an error before anything begins.
            Revision.find(config.affected, Path.cwd())
        self._config = config
        self._pytest_config = pytest_config
        self._worker = worker
        self._databases = databases
        self._loaded = loaded
        self._say = say
        option = pytest_config.option
        shows_only = option.collectonly or option.setuponly or option.setupplan
        self._records = bool(config.record) and not shows_only
        sent = getattr(pytest_config, "workerinput", {}).get(INPUT)
        self._shared: SharedSession = (
            SharedSession.begin(config) if sent is None else pickle.loads(sent)  # noqa: S301
        )
        timings = Path(config.timings_file or default_path(project_of(config)))
        self._file = RecordingFile.beside(timings.with_name(f"{timings.name}{ENDING}"))
        self._items: Items | None = None
        self._recording = RunRecording(config, self._file, self._report, self._more)
        self._recording.begin(self._shared.started)
        self._outcomes = Outcomes()
        self._usage: TestUsage | None = None
        self._summaries: Summaries | None = None
        self._collected: list[Collected] = []
        self._deselected = 0
        if databases is not None:
            self._summaries = databases.summarize_in(self._shared.folder)

    @property
    def _folder(self) -> Path:
        return self._shared.folder

    def _more(self, recorded: Any) -> Any:
        assert self._items is not None
        return self._items.more(recorded, self._recording.since)

    def _report(self, event: ReportLost) -> None:
        self._say(event.reason)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Send a worker of pytest-xdist what the processes have in common."""
        node.workerinput[INPUT] = pickle.dumps(self._shared)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Note what a worker of pytest-xdist has collected."""
        if (sent := getattr(node, "workeroutput", {}).get(INPUT)) is not None:
            self._collected.append(pickle.loads(sent))  # noqa: S301  # Our own worker made it.

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Count the tests that are left out."""
        self._deselected += len(items)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Leave out the tests that no change can reach."""
        assert self._summaries is not None
        self._items = Items(config, items)
        self._recording.discovered(self._items.classes)
        is_whole = not session.testsfailed and not self._deselected and takes_all(config)
        if self._config.affected is not None:
            decision = decide(self._folder, self._select)
            left = set(decision.left)
            kept = [item for item in items if item.nodeid not in left]
            if self._config.explain:
                kept = []
            out = [item for item in items if item not in set(kept)]
            if out:
                config.hook.pytest_deselected(items=out)
                items[:] = kept
        self._collected = [
            Collected(count=len(items), is_whole=is_whole and self._config.affected is None)
        ]

    def _select(self) -> Any:
        assert self._items is not None
        assert self._summaries is not None
        with able_to_build(self._pytest_config):
            return selection_of_items(
                self._items, self._recording.past, self._config.affected, self._summaries
            )

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Start recording before the first test."""
        del session
        if not self._records or self._databases is None:
            return
        usage = TestUsage(
            self._loaded,
            self._worker,
            own=self._databases.folder,
            events=self._folder / f"{self._worker}.events",
        )
        try:
            usage.start()
        except UnavailableError as error:
            self._say(f"What the tests use is not recorded: {error}")
        else:
            self._usage = usage
            self._databases.unrecorded = usage.unrecorded

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Record what a test uses, with the fixtures of its own."""
        if self._usage is None:
            yield
            return
        with self._usage.test(item, self._outcomes.has_ended):
            yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        """Record what a fixture uses that several tests share."""
        if self._usage is None:
            yield
            return
        with self._usage.fixture(fixturedef, request):
            yield

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the outcome of a test."""
        self._outcomes.add(report)

    @pytest.hookimpl(hookwrapper=True, trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Iterator[None]:
        """Write what was recorded."""
        # After `-x`, fixtures that tests share are torn down only now.
        with nullcontext() if self._usage is None else self._usage.unrecorded():
            yield
        self._finish(session, exitstatus)

    def _finish(self, session: pytest.Session, exitstatus: int) -> None:
        self._finish_process()
        output = getattr(self._pytest_config, "workeroutput", None)
        if output is not None:
            if self._collected:
                output[INPUT] = pickle.dumps(self._collected[0])
            return
        counts = {each.count for each in self._collected}
        ended = sum(self._outcomes.has_ended(test) for test in self._outcomes.marks)
        problem = save(
            self._folder,
            self._file,
            self._outcomes.marks,
            is_whole=all(each.is_whole for each in self._collected) and counts == {ended},
            sql_of=self._shared.started,
            config=self._config,
        )
        if problem:
            self._say(problem)
        decision = decision_of(self._folder)
        reporter = self._pytest_config.pluginmanager.getplugin("terminalreporter")
        if decision is not None and self._databases is None and reporter is not None:
            # pytest-xdist does not tell what its workers leave out.
            explained = self._config.explain * decision.affected
            reporter.stats["deselected"] = [*decision.left, *[""] * explained]
        if decision is not None and not session.testsfailed:
            is_chosen = self._config.explain or (decision.left and not decision.affected)
            if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and is_chosen:
                session.exitstatus = pytest.ExitCode.OK

    def _finish_process(self) -> None:
        if self._usage is None:
            return
        usage, self._usage = self._usage, None
        usage.stop()
        if self._databases is not None:
            self._databases.unrecorded = nullcontext
        if self._summaries is None or not self._summaries.is_complete:
            return
        self._recording.collected(usage.report, (), LastOutcomes(), selects_all=True)
        part = RecordingFile(self._folder / f"{self._worker}.usage")
        self._recording.save_part(self._summaries.known, part)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Show what has been selected."""
        decision = decision_of(self._folder)
        if decision is not None:
            terminalreporter.section("affected tests")
            for line in _summary(decision, explains=self._config.explain):
                terminalreporter.write_line(line)

    def pytest_unconfigure(self) -> None:
        """Remove what the processes have shared."""
        if not hasattr(self._pytest_config, "workerinput"):
            shutil.rmtree(self._folder, ignore_errors=True)


def _summary(decision: Decision, *, explains: bool) -> Iterator[str]:
    count, left = plural(decision.affected, "test"), len(decision.left)
    if explains:
        yield from decision.explanation
        yield f"{count} would run, {left} not affected; --ctest-explain runs none."
        return
    if decision.everything:
        yield f"Every test runs: {decision.everything}"
    else:
        yield f"{count} affected, {left} not affected."
