"""A round, as the supervisor sees it."""

from __future__ import annotations

import itertools
import math
import os
import select
import signal
import tempfile
import time
from enum import Enum
from pathlib import Path
from typing import IO, Final

from ctest_containers.engine.folders import remove_folder, run_folder
from ctest_containers.events import (
    Event,
    Phase,
    PhaseStarted,
    TemplateBuildStarted,
    TemplateBuilt,
    TestFinished,
    TestsFound,
)
from ctest_containers.exit_codes import ExitCode
from ctest_containers.report.record import RunRecord
from ctest_containers.report.recording import Recording
from ctest_containers.watching.failures import label_of_test, last_line
from ctest_containers.watching.files import Changes
from ctest_containers.watching.messages import Ended
from ctest_containers.watching.remote import Remote
from ctest_containers.watching.selection import Selection

STOP_SECONDS: Final = 1.0
"""How long the running tests of a round that is no longer wanted may take to end."""

CLEAN_SECONDS: Final = 10.0
"""How long a round whose tests have ended may clean up after the user has quit."""

CLOCK_SECONDS: Final = 0.01
"""How much the times of files may be behind the clock."""

SETTLE_SECONDS: Final = 1.0
"""How long after a round the last change of a file by its tests may be noticed."""

_NUMBERS: Final = itertools.count(1)


class State(Enum):
    """What a round is doing."""

    RUNNING = "running"
    CLEANING = "cleaning"
    ENDED = "ended"


class Round:
    """A run of some tests after a change or a key.

    Args:
        selection: Its tests.
        failed: The labels of tests that failed earlier, which it runs first.
        saved_at: When the change was saved, in seconds of the wall clock; None without a change.

    Attributes:
        number: Its number among all rounds.
        output: The file into which it prints.
        written_names: The file for the paths of what it writes.
        found: The tests that it runs, by their ids with their files; None until they are known.
        first_result: The seconds from the change to the first result; None until there is one.
        is_cancelled: Whether its outcomes no longer matter.
        only_builds: Whether it ends as soon as it has built a template, because another round has
            taken its place.
    """

    def __init__(
        self, selection: Selection, failed: tuple[str, ...], saved_at: float | None
    ) -> None:
        self.number = next(_NUMBERS)
        self.selection = selection
        self.failed = failed
        self.state = State.RUNNING
        self.output = tempfile.TemporaryFile()  # noqa: SIM115  # It lives as long as the round.
        self.written_names = tempfile.TemporaryFile("ab")  # noqa: SIM115  # As above.
        self.found: dict[str, str] | None = None
        self.first_result: float | None = None
        self.exit_code: int | None = None
        self.is_cancelled = self.only_builds = False
        self.remote: Remote | None = None
        self.finished = 0
        self.began = time.monotonic()
        self.seconds = 0.0
        self._recording = Recording()
        self._began_at = time.time() + CLOCK_SECONDS
        self._since = time.time() if saved_at is None else saved_at
        self._kill_at: float | None = None
        self._ended_at = math.inf

    @property
    def record(self) -> RunRecord:
        """What has happened so far."""
        return self._recording.run

    @property
    def workers(self) -> int:
        """How many workers run it; 0 until that is planned."""
        planned = self.record.planned
        return 0 if planned is None else planned.workers

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come from it."""
        return self.state is State.ENDED

    @property
    def has_built(self) -> bool:
        """Whether it has begun to build a template, so that earlier servers are of no use."""
        return any(isinstance(event, TemplateBuildStarted) for event in self.record.templates)

    @property
    def is_building(self) -> bool:
        """Whether it is building a template."""
        events = self.record.templates
        begun = {event.group for event in events if isinstance(event, TemplateBuildStarted)}
        built = {event.group for event in events if isinstance(event, TemplateBuilt)}
        return self.state is State.RUNNING and begun > built

    def receive(self) -> None:
        """Take what has arrived from its process."""
        assert self.remote is not None
        for message in self.remote.receive():
            if isinstance(message, Ended):
                self.exit_code = message.exit_code
                self._end()
            elif isinstance(message, tuple):
                self._handle(*message)
        if self.remote.closed:
            self._end()

    def _handle(self, event: Event, at: float) -> None:
        self._recording.handle(event, at)
        match event:
            case TestsFound(tests=tests):
                self.found = {place.test_id: place.file for place in tests}
            case TestFinished():
                self.finished += 1
                if self.first_result is None:
                    self.first_result = time.time() - self._since
            case TemplateBuilt() if self.only_builds and not self.is_building:
                self.kill()
            case PhaseStarted(phase=Phase.CLEAN_UP) if self.state is State.RUNNING:
                self.state = State.CLEANING
                self.seconds = time.monotonic() - self.began

    def _end(self) -> None:
        if self.state is State.RUNNING:
            self.seconds = time.monotonic() - self.began
        self.state = State.ENDED
        self._ended_at = time.monotonic()

    def process_ended(self) -> None:
        """Note that its process has ended, after taking what it had sent."""
        assert self.remote is not None
        # A process that a test has started may hold the channel open.
        while not self.has_ended and self.remote.has_news:
            self.receive()
        self._end()

    def may_have_missed(self, changes: Changes) -> bool:
        """Return whether a file changed before the round began, which then did not know it yet.

        Its process may have loaded the older version, but recorded the newer one as used.
        """
        return any(changed_at(path) <= self._began_at for path in changes.changed)

    def clean_up(self) -> None:
        """Remove the folder of its run, which it has not done itself if it was killed."""
        if self.record.started is not None:
            remove_folder(run_folder(self.record.started.run))

    def cancel(self, *, builds_on: bool) -> None:
        """Stop it: at once if no test runs yet, otherwise after its running tests if they end.

        Args:
            builds_on: Whether it goes on until it has built the template that it is building.
        """
        assert self.remote is not None
        self.is_cancelled = True
        if builds_on and self.is_building:
            self.only_builds = True
        elif self.state is State.RUNNING:
            has_begun = any(test.worker for test in self.record.tests.values())
            self._kill_at = time.monotonic() + STOP_SECONDS
            self.remote.signal(signal.SIGINT if has_begun else signal.SIGKILL)

    def kill(self) -> None:
        """Stop it at once."""
        assert self.remote is not None
        self.only_builds = False
        self.remote.signal(signal.SIGKILL)

    def stop(self) -> None:
        """End it: at once while tests run, but what it cleans up and writes is not lost."""
        assert self.remote is not None
        deadline = time.monotonic() + CLEAN_SECONDS
        while self.state is State.CLEANING and (left := deadline - time.monotonic()) > 0:
            if select.select([self.remote], [], [], left)[0]:
                self.receive()
        if not self.has_ended:
            self.remote.kill()
            self.process_ended()
        self.clean_up()

    def tick(self) -> None:
        """Kill it if it should have stopped."""
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill_at = None
            if self.remote is not None and not self.has_ended:
                self.remote.signal(signal.SIGKILL)

    @property
    def has_run(self) -> bool:
        """Whether its tests were discovered and run to the end."""
        if self.found is None or self.state is State.RUNNING:
            return False
        finished = self.record.finished
        if finished is None:
            return self.finished >= len(self.found)
        return not (finished.failure or finished.not_run)

    @property
    def why_nothing(self) -> str:
        """Why there was nothing to run; empty if there was something."""
        has_passed = self.exit_code == ExitCode.PASSED
        return last_line(self.printed()) if self.found is None and has_passed else ""

    def covers(self, label: str) -> bool:
        """Return whether it has run all tests with a label."""
        return any(f"{label_of_test(test)}.".startswith(f"{label}.") for test in self.found or ())

    def printed(self) -> str:
        """Return what it has printed so far."""
        return _contents(self.output).decode(errors="replace")

    def written(self) -> list[str]:
        """Return the files that it may have written just now."""
        if time.monotonic() > self._ended_at + SETTLE_SECONDS:
            return []
        return [os.fsdecode(path) for path in _contents(self.written_names).split(b"\0") if path]


def changed_at(path: str) -> float:
    """Return when a file was changed, in seconds of the wall clock; long ago if it is gone."""
    try:
        return Path(path).stat().st_mtime
    except OSError:
        return 0.0


def _contents(file: IO[bytes]) -> bytes:
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
