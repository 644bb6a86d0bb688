"""The supervisor of watch mode: decides what is loaded and what runs when something happens."""

from __future__ import annotations

import selectors
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

from ctest_containers.errors import CtestError
from ctest_containers.watching.chain import Chain
from ctest_containers.watching.failures import last_line
from ctest_containers.watching.files import Changes, ProjectFiles, Watcher
from ctest_containers.watching.findings import Findings, merged
from ctest_containers.watching.hosts import Hosts
from ctest_containers.watching.messages import Order
from ctest_containers.watching.remote import Remote
from ctest_containers.watching.round import Round, State
from ctest_containers.watching.saves import Saves, saved_at
from ctest_containers.watching.selection import Selection, affected
from ctest_containers.watching.view import Display, View

TICK_SECONDS: Final = 0.1
"""How often the screen is drawn while tests run."""

IDLE_SECONDS: Final = 1.0
"""How often there is a look around while nothing happens."""

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
        # What has changed since the last round that ran to its end.
        self._pending = Changes()
        # Whether no round has run an older version of a file than it took for the one that ran.
        self._is_recording_right = True
        self._saved_at: float | None = None
        self._findings = Findings(folder)
        self._load_error, self._chosen = "", 0
        self._saves = Saves()

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
            self._watcher.wait()
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
        for each in self._rounds:
            each.tick()
        self._hosts.tend()
        if self._wanted is not None:
            self._start_round()
        elif current is None or current.state is not State.RUNNING:
            self._prepare()

    def _take_changes(self) -> None:
        assert self._files is not None
        if self._files.is_busy or not (paths := self._saves.take()):
            return
        written = {path for each in self._rounds for path in each.written()}
        changes = self._files.changes(paths, self._chain.read, written)
        if not changes:
            return
        if self._round is not None and self._round.may_have_missed(changes):
            self._is_recording_right = False
        self._retire()
        self._pending |= changes
        self._saved_at = saved_at(changes)
        self._saves.remember(changes)
        self._chain.discard(changes)
        self._want(None)

    def _want(self, selection: Selection | None) -> None:
        """Run these tests as soon as possible; None for those that pending changes can reach."""
        self._load_error = self._findings.run_error = ""
        if selection is None:
            assert self._files is not None
            selection = affected(
                self._pending, self._findings.modules, self._files.python, self._folder
            )
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
            failed = tuple(self._findings.failures)
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
        elif apps.is_usable and not self._chain.has_tests and self._findings.modules:
            hot = self._saves.latest
            modules = {name for file, name in self._findings.modules.items() if file not in hot}
            self._chain.load_tests(sorted(modules))
        if current is not None and (current.has_ended or not current.builds):
            least = min(self._findings.most_workers, WARM_WORKERS)
            self._hosts.start(max(current.workers, least) or None)

    def _settle(self, ended: Round) -> None:
        """Take over what a round has found out."""
        if self._findings.add(ended):
            self._pending, self._is_recording_right = Changes(), True

    def _wait(self) -> None:
        """Wait until something happens, and note it."""
        rounds = [each for each in self._rounds if not each.has_ended]
        is_busy = bool(rounds or self._saves.paths) or self._wanted is not None
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
        self._saves.note(self._watcher.news())

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

    @property
    def _rounds(self) -> list[Round]:
        """Those that have not been cleaned up, the current one last."""
        return self._ending if self._round is None else [*self._ending, self._round]

    def _view(self) -> View:
        failures = self._findings.failures
        if self._round is not None:
            failures = merged(failures, self._round)
        self._chosen = min(self._chosen, max(0, len(failures) - 1))
        note = "Polling, because changes cannot be watched." if self._watcher.polls else ""
        return View(
            round=self._round,
            failures=list(failures.values()),
            chosen=self._chosen,
            is_loading=self._wanted is not None,
            load_error=self._load_error,
            run_error=self._findings.run_error,
            files=0 if self._files is None else len(self._files),
            note=note,
        )

    def _close(self) -> None:
        for each in self._rounds:
            if each.remote is not None and not each.has_ended:
                each.stop()
        self._chain.close()
        self._first.close()
        self._watcher.close()
        self._hosts.close()
