"""The supervisor of watch mode: decides what is loaded and what runs when something happens."""

from __future__ import annotations

import os
import selectors
import socket
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from ctest_containers.errors import CtestError, ProjectError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.project.interrupts import Terminated, terminable
from ctest_containers.watching.chain import Chain
from ctest_containers.watching.files import Changes, ProjectFiles, Watcher
from ctest_containers.watching.hosts import Hosts
from ctest_containers.watching.messages import Order
from ctest_containers.watching.playing import play
from ctest_containers.watching.process import fork
from ctest_containers.watching.reading import Reading
from ctest_containers.watching.remote import Remote
from ctest_containers.watching.round import Failure, Round, State, changed_at, last_line
from ctest_containers.watching.selection import Selection, affected
from ctest_containers.watching.stage import Project, Stage, first_stage
from ctest_containers.watching.view import Display, View

TICK_SECONDS: Final = 0.1
"""How often the screen is drawn while tests run."""

IDLE_SECONDS: Final = 1.0
"""How often there is a look around while nothing happens."""

RECENT_SECONDS: Final = 5.0
"""A file's time of change counts as the moment of saving if it is not longer ago."""

BULK: Final = 10
"""If more files than that change at once, a program has changed them."""

BULK_SECONDS: Final = 0.3
"""How long nothing must change then."""

HOT: Final = 20
"""How many of the test modules that were saved last are not loaded ahead."""

WARM_WORKERS: Final = 2
"""How many workers get a server ahead of a round at least, if that many have been used."""

EVERYTHING: Final = Selection(None, "all tests")


class Quit(Exception):  # noqa: N818  # No error.
    """The user has quit."""


class Supervisor:
    """Watch mode for the project in a folder.

    Args:
        folder: The folder.
        display: Shows what happens.
        first: The channel to the first stage.
        stage_output: What the stages print.
    """

    def __init__(
        self, folder: Path, display: Display, first: Remote, stage_output: IO[bytes]
    ) -> None:
        self._folder = folder
        self._display = display
        self._first = first
        self._stage_output = stage_output
        self._watcher = Watcher(folder)
        self._chain = Chain(first)
        self._hosts = Hosts(folder)
        self._files: ProjectFiles | None = None
        self._round: Round | None = None
        self._ending: list[Round] = []
        self._wanted: Selection | None = EVERYTHING
        self._is_first = True
        # What has changed since the last round that ran to its end.
        self._pending = Changes()
        # Whether no round has run an older version of a file than it took for the one that ran.
        self._is_recording_right = True
        self._saved_at: float | None = None
        self._failures: dict[str, Failure] = {}
        self._modules: dict[str, str] = {}
        self._hot: dict[str, None] = {}
        self._load_error = self._run_error = ""
        self._chosen = self._most_workers = 0
        self._paths: set[str] = set()
        self._noted_at = self._taken_at = 0.0
        self._taken = 0

    def run(self) -> None:
        """Watch until the user quits.

        Raises:
            CtestError: Watch mode cannot go on.
        """
        with ExitStack() as undo:
            undo.callback(self._close)
            self._watcher.start()
            self._display.start()
            undo.callback(self._display.stop)
            self._display.show(View(is_loading=True))
            _wait(self._watcher)
            self._files = ProjectFiles(self._folder)
            self._hosts.start(None)
            with suppress(Quit):
                while True:
                    self._advance()
                    self._display.show(self._view())
                    self._wait()

    def _advance(self) -> None:
        """Do what can be done now: take changes, start a round, or prepare for the next one."""
        self._take_changes()
        current = self._round
        for each in [*self._ending, *([current] if current else [])]:
            each.tick()
        self._hosts.tend()
        if self._wanted is not None:
            self._start_round()
        elif current is None or current.state is not State.RUNNING:
            self._prepare()

    def _take_changes(self) -> None:
        assert self._files is not None
        if not self._paths or self._files.is_busy:
            return
        now = time.monotonic()
        recent = self._taken if now < self._taken_at + BULK_SECONDS else 0
        if len(self._paths) + recent > BULK and now < self._noted_at + BULK_SECONDS:
            # A program changes them, such as Git or a formatter, and has not finished.
            return
        self._taken, self._taken_at = len(self._paths) + recent, now
        rounds = [*self._ending, *([self._round] if self._round else [])]
        written = {path for each in rounds for path in each.written()}
        changes = self._files.changes(self._paths, self._chain.read, written)
        self._paths.clear()
        if not changes:
            return
        if self._round is not None and self._round.may_have_missed(changes):
            self._is_recording_right = False
        self._retire()
        self._pending |= changes
        self._saved_at = _saved_at(changes)
        for path in changes.changed:
            self._hot.pop(path, None)
            self._hot[path] = None
        self._chain.discard(changes)
        self._want(None)

    def _want(self, selection: Selection | None) -> None:
        """Run these tests as soon as possible; None for those that pending changes can reach."""
        self._load_error = self._run_error = ""
        if selection is None:
            assert self._files is not None
            selection = affected(self._pending, self._modules, self._files.python, self._folder)
            if not self._is_recording_right:
                selection = replace(selection, labels=None, options=())
        self._wanted = selection

    def _start_round(self) -> None:
        apps = self._chain.apps
        if apps is None:
            self._chain.load_apps()
        elif apps.loaded is not None and not apps.is_usable:
            self._load_error, self._wanted = apps.loaded.error, None
        elif apps.loaded is not None:
            assert self._wanted is not None
            failed = tuple(self._failures)
            starting = Round(self._wanted, failed, self._saved_at)
            host = self._hosts.take()
            waiting, descriptors = (None, ()) if host is None else host
            order = Order(
                labels=self._wanted.labels,
                options=self._wanted.options,
                failed=failed,
                host=waiting,
            )
            files = (starting.output.fileno(), starting.written_names.fileno())
            starting.remote = self._chain.fork_round(order, (*files, *descriptors))
            self._hosts.handed_over()
            self._round, self._wanted, self._saved_at = starting, None, None

    def _prepare(self) -> None:
        """Load and start what the next round may need."""
        current, apps = self._round, self._chain.apps
        if apps is None:
            if not self._load_error:
                self._chain.load_apps()
        elif apps.is_usable and not self._chain.has_tests and self._modules:
            hot = list(self._hot)[-HOT:]
            modules = {name for file, name in self._modules.items() if file not in hot}
            self._chain.load_tests(sorted(modules))
        if current is not None and (current.has_ended or not current.builds):
            least = min(self._most_workers, WARM_WORKERS)
            self._hosts.start(max(current.workers, least) or None)

    def _settle(self, ended: Round) -> None:
        """Take over what a round has found out."""
        self._failures = _merged(self._failures, ended)
        self._most_workers = max(self._most_workers, ended.workers)
        for test, file in (ended.found or {}).items():
            name = file.removesuffix(".py").replace(os.sep, ".")
            if file and test.startswith(f"{name}."):
                self._modules[str(self._folder / file)] = name
        if ended.is_cancelled:
            return
        if ended.has_run or ended.exit_code == ExitCode.PASSED:
            self._pending, self._is_recording_right = Changes(), True
        else:
            self._run_error = _why_not_run(ended)
            if self._is_first and ended.record.started is None:
                raise ProjectError(ended.printed().strip() or self._run_error)
        self._is_first = False

    def _wait(self) -> None:
        """Wait until something happens, and note it."""
        rounds = [*self._ending, *([self._round] if self._round else [])]
        rounds = [each for each in rounds if not each.has_ended]
        is_busy = bool(rounds or self._paths) or self._wanted is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._watcher, selectors.EVENT_READ, self._note_changes)
            selector.register(self._first, selectors.EVENT_READ, self._lose_first)
            if (keys := self._display.fileno()) is not None:
                selector.register(keys, selectors.EVENT_READ, self._press)
            for remote in self._chain.remotes:
                selector.register(
                    remote, selectors.EVENT_READ, lambda remote=remote: self._chain.receive(remote)
                )
            for each in rounds:
                assert each.remote is not None
                selector.register(
                    each.remote, selectors.EVENT_READ, lambda each=each: self._receive(each)
                )
                if each.remote.process >= 0:
                    selector.register(
                        each.remote.process,
                        selectors.EVENT_READ,
                        lambda each=each: self._receive(each, has_ended=True),
                    )
            for key, _ in selector.select(TICK_SECONDS if is_busy else IDLE_SECONDS):
                key.data()

    def _receive(self, sender: Round, *, has_ended: bool = False) -> None:
        assert sender.remote is not None
        if sender.remote.closed:
            # Its process has ended just after it had said that it would.
            return
        if has_ended:
            sender.process_ended()
        else:
            sender.receive()
        if sender.has_ended:
            sender.clean_up()
            if sender in self._ending:
                self._ending.remove(sender)
            else:
                self._settle(sender)
            sender.remote.close()

    def _note_changes(self) -> None:
        self._paths.update(self._watcher.news())
        self._noted_at = time.monotonic()

    def _lose_first(self) -> None:
        self._stage_output.seek(0)
        printed = self._stage_output.read().decode(errors="replace")
        raise CtestError(
            f"The process that loads the project ended unexpectedly. {last_line(printed)}".strip()
        )

    def _press(self) -> None:
        for key in self._display.pressed():
            match key:
                case "q":
                    raise Quit
                case "a":
                    self._run_on_key(EVERYTHING)
                case "f" if self._view().failures:
                    self._run_on_key(Selection((), "failed tests"))
                case "up" | "k":
                    self._chosen = max(0, self._chosen - 1)
                case "down" | "j":
                    self._chosen += 1
                case "o" | "\n":
                    self._open()
                case "l" if self._round is not None:
                    self._display.page(self._round.printed())

    def _run_on_key(self, selection: Selection) -> None:
        self._retire()
        self._chain.discard(Changes())
        self._want(selection)

    def _retire(self) -> None:
        """Make way for another round: stop the one that runs, and take over what it has found."""
        current, self._round = self._round, None
        if current is not None and not current.has_ended:
            if current.state is State.RUNNING:
                current.cancel()
            self._settle(current)
            self._ending.append(current)

    def _open(self) -> None:
        view = self._view()
        if view.load_error or view.run_error:
            self._display.page(view.load_error or (self._round.printed() if self._round else ""))
        elif view.failures:
            chosen = view.failures[view.chosen]
            self._display.page(f"{chosen.name}\n{chosen.place}\n\n{chosen.text}")

    def _view(self) -> View:
        failures = self._failures if self._round is None else _merged(self._failures, self._round)
        self._chosen = min(self._chosen, max(0, len(failures) - 1))
        note = "Polling, because changes cannot be watched." if self._watcher.polls else ""
        return View(
            round=self._round,
            failures=list(failures.values()),
            chosen=self._chosen,
            is_loading=self._wanted is not None,
            load_error=self._load_error,
            run_error=self._run_error,
            files=0 if self._files is None else len(self._files),
            note=note,
        )

    def _close(self) -> None:
        for each in [*self._ending, *([self._round] if self._round else [])]:
            if each.remote is not None and not each.has_ended:
                each.remote.kill()
                each.process_ended()
                each.clean_up()
        self._chain.close()
        self._first.close()
        self._watcher.close()
        self._hosts.close()


def watch(project: Project, folder: Path, display: Display) -> int:
    """Watch the project in a folder until the user quits, and return an exit code.

    Raises:
        CtestError: Watch mode cannot start or go on.
    """
    if not hasattr(os, "pidfd_open"):
        raise UsageError("watch needs Linux: it forks processes that have loaded the project.")
    Watcher.check()
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as output, terminable():

        def begin() -> int:
            ours.close()
            stage = Stage(project, Reading(folder), play)
            return first_stage(stage, theirs, output.fileno())

        pid = fork(begin)
        theirs.close()
        try:
            Supervisor(folder, display, Remote(ours), output).run()
        except Terminated:
            return ExitCode.TERMINATED
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        finally:
            ours.close()
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
            os.waitpid(pid, 0)
            sys.stdout.flush()
    return ExitCode.PASSED


def _merged(failures: dict[str, Failure], later: Round) -> dict[str, Failure]:
    """Return what failed when it last ran, after a round that has ended or still runs."""
    passed = set(later.passed())
    again = {failure.label: failure for failure in later.failures()}
    is_whole = later.has_run and not later.is_cancelled

    def has_gone(label: str) -> bool:
        if label in passed:
            return True
        is_asked = later.selection.labels is None or label in later.failed
        return is_whole and (is_asked or later.covers(label))

    left = {label: failure for label, failure in failures.items() if not has_gone(label)}
    return {**left, **again}


def _why_not_run(ended: Round) -> str:
    finished = ended.record.finished
    if finished is not None and finished.failure:
        return finished.failure
    return last_line(ended.printed()) or "The round ended unexpectedly."


def _saved_at(changes: Changes) -> float:
    """Return when the last of these files was saved, in seconds of the wall clock."""
    now = time.time()
    times = map(changed_at, changes.changed)
    return max((moment for moment in times if 0 <= now - moment < RECENT_SECONDS), default=now)


def _wait(watcher: Watcher) -> None:
    """Wait until a watcher watches."""
    with selectors.DefaultSelector() as selector:
        selector.register(watcher, selectors.EVENT_READ)
        selector.select()
    watcher.news()
