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
from ctest_containers.watching.round import Round
from ctest_containers.watching.rounds import Rounds
from ctest_containers.watching.saves import Saves, saved_at
from ctest_containers.watching.selection import Mentions, Selection, affected
from ctest_containers.watching.view import Display, View

TICK_SECONDS: Final = 0.1
"""How often the screen is drawn while tests run."""

IDLE_SECONDS: Final = 1.0
"""How often there is a look around while nothing happens."""

WARM_WORKERS: Final = 2
"""How many workers get a server ahead of a round at least, if that many have been used."""

STOPS: Final = 4
"""Before how many of the files that were saved last a stage stops."""

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
        self._rounds = Rounds(self._settle)
        self._wanted: Selection | None = EVERYTHING
        # What has changed since the last round that ran to its end.
        self._pending = Changes()
        # What of it waits until a template has been built.
        self._held = Changes()
        # Whether no round has run an older version of a file than it took for the one that ran.
        self._is_recording_right = True
        self._saved_at: float | None = None
        self._findings = Findings(folder)
        self._load_error, self._chosen = "", 0
        self._saves = Saves()
        self._mentions = Mentions()

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
        self._rounds.tick()
        self._hosts.tend()
        if self._held and not self._rounds.are_busy:
            self._release_held()
            self._want(None)
        if self._wanted is not None:
            self._start_round()
        elif not self._rounds.is_running:
            self._prepare()

    def _take_changes(self) -> None:
        assert self._files is not None
        if self._files.is_busy or not (paths := self._saves.take()):
            return
        changes = self._files.changes(paths, self._chain.read, self._rounds.written())
        if not changes:
            return
        current = self._rounds.current
        if current is not None and current.may_have_missed(changes):
            self._is_recording_right = False
        had_builder = self._rounds.builder is not None
        self._rounds.retire(builds_on=self._leaves_templates(changes))
        if self._rounds.builder is None:
            self._release_held()
        elif not had_builder:
            # The tests of what is saved meanwhile need not wait for it, unless they need it, too.
            self._held, self._pending = self._pending, Changes()
        self._pending |= changes
        self._saved_at = saved_at(changes)
        self._saves.remember(changes)
        self._mentions.update(changes.changed)
        self._chain.discard(changes)
        self._want(None)

    def _release_held(self) -> None:
        self._pending, self._held = self._pending | self._held, Changes()

    def _leaves_templates(self, changes: Changes) -> bool:
        """Return whether a template that is being built is still what will be needed.

        If this is wrong, another one is built: what counts is the fingerprint.
        """
        apps = self._chain.apps
        return not (
            changes.moved
            or (apps is not None and not apps.files.isdisjoint(changes.changed))
            or any(path.endswith(".py") for path in changes.changed - self._findings.modules.keys())
        )

    def _want(self, selection: Selection | None) -> None:
        """Run these tests as soon as possible; None for those that pending changes can reach."""
        self._load_error = self._findings.run_error = ""
        if selection is None:
            selection = affected(
                self._pending, self._findings.modules, self._are_mentioned, self._folder
            )
            if not self._is_recording_right:
                selection = replace(selection, labels=None, options=())
        self._wanted = selection

    def _are_mentioned(self, paths: frozenset[str]) -> bool:
        assert self._files is not None
        return self._mentions.are_elsewhere(paths, self._files.python)

    def _start_round(self) -> None:
        assert self._wanted is not None
        self._load()
        apps = self._chain.apps
        if apps is None:
            return
        if not apps.is_usable:
            self._load_error, self._wanted = apps.error, None
        elif self._wanted.labels is not None or not self._chain.awaits_tests:
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
            self._rounds.current, self._wanted, self._saved_at = starting, None, None

    def _prepare(self) -> None:
        """Load and start what the next round may need."""
        if not self._load_error:
            self._load()
        current = self._rounds.current
        if current is not None and (current.has_ended or not current.has_built):
            least = min(self._findings.most_workers, WARM_WORKERS)
            self._hosts.start(max(current.workers, least) or None)

    def _load(self) -> None:
        hot = self._saves.latest
        modules = {name for file, name in self._findings.modules.items() if file not in hot}
        self._chain.grow(sorted(modules), hot[-STOPS:])

    def _settle(self, ended: Round) -> None:
        """Take over what a round has found out."""
        if self._findings.add(ended):
            self._pending, self._is_recording_right = Changes(), True
            if ended.selection.labels is None:
                self._held = Changes()

    def _wait(self) -> None:
        """Wait until something happens, and note it."""
        is_busy = self._rounds.are_busy or bool(self._saves.paths) or self._wanted is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._watcher, selectors.EVENT_READ, self._note_changes)
            selector.register(self._first, selectors.EVENT_READ, self._lose_first)
            if (keys := self._display.fileno()) is not None:
                selector.register(keys, selectors.EVENT_READ, self._press)
            for remote in self._chain.remotes:
                selector.register(
                    remote, selectors.EVENT_READ, lambda remote=remote: self._chain.receive(remote)
                )
            self._rounds.register(selector)
            for key, _ in selector.select(TICK_SECONDS if is_busy else IDLE_SECONDS):
                key.data()

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
                case "l" if self._rounds.current is not None:
                    self._display.page(self._rounds.current.printed())

    def _run_on_key(self, selection: Selection) -> None:
        self._rounds.retire(builds_on=True)
        self._chain.discard(Changes())
        self._want(selection)

    def _open(self) -> None:
        view = self._view()
        if view.load_error or view.run_error:
            self._display.page(view.load_error or (view.round.printed() if view.round else ""))
        elif view.failures:
            chosen = view.failures[view.chosen]
            self._display.page(f"{chosen.name}\n{chosen.place}\n\n{chosen.text}")

    def _view(self) -> View:
        failures, current = self._findings.failures, self._rounds.current
        if current is not None:
            failures = merged(failures, current)
        self._chosen = min(self._chosen, max(0, len(failures) - 1))
        note = "Polling, because changes cannot be watched." if self._watcher.polls else ""
        return View(
            round=current,
            builder=self._rounds.builder,
            failures=list(failures.values()),
            chosen=self._chosen,
            is_loading=self._wanted is not None,
            load_error=self._load_error,
            run_error=self._findings.run_error,
            files=0 if self._files is None else len(self._files),
            note=note,
        )

    def _close(self) -> None:
        self._rounds.close()
        self._chain.close()
        self._first.close()
        self._watcher.close()
        self._hosts.close()
