"""Collects what each unit of a process uses, and sends it when the unit has ended."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.events.usage import UsageRecorded
from ctest_containers.recording.askers import Askers
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.usage.accesses import AccessWatch, askers_for_tests
from ctest_containers.usage.functions import function_watch
from ctest_containers.usage.hooks import FunctionWatch, Hook, Policy, number_of
from ctest_containers.usage.loaded import code_of, name_of_cached
from ctest_containers.usage.messages import Messages
from ctest_containers.usage.model import BASE, CACHED, IMPORT, TEST
from ctest_containers.usage.notes import Notes
from ctest_containers.usage.project_files import ProjectFiles
from ctest_containers.usage.statement_watch import StatementWatch
from ctest_containers.usage.watched_calls import WatchedCalls, once_hooks

__unittest = True

LOADING: Final = "template "
"""The prefix of units that only exist in here: what ran while an HTML template was loaded."""


EMPTY: Final = ((), ("__doc__",))
"""The names in the code of a module without statements."""

SEPARATOR: Final = "\n"
"""Separates the names of units that are one."""


class Collector:
    """Collects from `start` on. What happens outside of all units belongs to `BASE`.

    Units that begin inside another one are: fixtures, which run after their first test has begun;
    the import of a module; a call of a function that caches its answers. Whatever is noted belongs
    to the innermost one, in all threads.

    Args:
        worker: The number of the worker whose process this is.
        own: A folder with files of this run, which are not inputs.
        cached: The code of functions whose answers are cached, as far as they exist already, with
            their full names: `module:name`.
    """

    def __init__(
        self,
        *,
        worker: int,
        own: str,
        send: Callable[[UsageRecorded], None],
        cached: Iterable[tuple[CodeType, str]] = (),
    ) -> None:
        paths = PortablePaths.here()
        self._send = send
        self._files = ProjectFiles(paths, own)
        self._messages = Messages(worker, self._files)
        self._open: list[Notes] = [Notes(BASE)]
        self._base = self._open[0]
        self._sent_base: set[int] = set()
        self._loads: dict[str, set[int]] = {}
        self._cached: dict[int, set[str]] = {}
        wide = askers_for_tests(paths)
        self._calls = WatchedCalls(self.notes, self._of_base, Askers(paths), wide)
        self._accesses = AccessWatch(self.notes, self._of_base, wide)
        self._statements = StatementWatch(self.notes, self._files)
        self._watch: FunctionWatch = function_watch(
            Policy(
                is_wanted=self._files.is_wanted,
                module=Hook(self._enter_module, self.leave),
                late=self._calls.late,
                failed=self._failed,
            )
        )
        self._known = list(cached)
        self._forget_models: Callable[[], None] = lambda: None

    def start(self) -> None:
        """Start collecting.

        Raises:
            UnavailableError: It is not possible in this process.
        """
        from django.apps import apps
        from django.template.base import Template

        self._watch.start()
        self._forget_models = apps.get_models.cache_clear  # type: ignore[attr-defined]  # A cached method.
        add = self._watch.add
        for code, hook in (*self._calls.hooks(), *self._statements.hooks()):
            add(code, hook)
        add(Template.__init__.__code__, Hook(self._enter_template, self.leave))
        add(functools.lru_cache.__code__, Hook(self._enter_lru_cache))
        decorating = next(
            code
            for code in functools.lru_cache.__code__.co_consts
            if isinstance(code, CodeType) and code.co_name == "decorating_function"
        )
        add(decorating, Hook(self._enter_decorating))
        for code, hook in once_hooks(Hook(self._enter_once, self.leave)).items():
            add(code, hook)
        for code, name in self._known:
            self._add_cached(code, name)
        self._accesses.start()
        self._divide()

    def stop(self) -> None:
        """Stop collecting; nothing more is sent."""
        self._accesses.stop()
        self._watch.stop()

    def watch(
        self,
        code: CodeType,
        enter: Callable[[FrameType], None],
        leave: Callable[[FrameType], None] | None = None,
    ) -> None:
        """Call functions with the frame whenever this code begins and ends."""
        self._watch.add(code, Hook(enter, leave))

    @contextmanager
    def unit(self, name: str) -> Iterator[None]:
        """Collect for a unit in this block, and send it at the end, whatever the outcome."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def begin(self, name: str) -> None:
        """Begin a unit."""
        self._divide()
        self._open.append(Notes(name))

    def end(self, *, is_valid: bool = True) -> None:
        """End the unit that began last.

        Args:
            is_valid: Whether to send what it has used.
        """
        self._divide()
        while (notes := self._open.pop()).frame is not None:
            # Its end has been missed.
            self._close(notes)
        if is_valid:
            self._send_notes(notes)
        if len(self._open) == 1:
            self._send_base()

    def send_base(self) -> None:
        """Send what is new of what was used outside of all units."""
        self._divide()
        self._send_base()

    def _send_base(self) -> None:
        base = self._base
        # What no test has caused, or what the settings say.
        for kind in (base.lookups, base.models, base.classes, base.opaque, base.statements):
            kind.clear()
        if base.is_empty:
            return
        used = self._messages.numbers(base, self._accesses.written) - self._sent_base
        if used:
            self._sent_base |= used
            self._send(self._messages.event(BASE, used, None))
        base.clear()

    def notes(self) -> Notes:
        """Return the notes of the unit that runs, to which a caller may add."""
        return self._open[-1]

    def _of_base(self) -> Notes:
        return self._base

    def _divide(self) -> None:
        """Give everything until now to the innermost unit, and have it reported again."""
        self._watch.give(self._open[-1].codes)
        self._calls.forget_settings()
        # Let Django ask again for what it remembers.
        self._forget_models()

    def _send_notes(self, notes: Notes) -> None:
        used = self._numbers(notes)
        # That a test has ended and that a module was imported counts by itself.
        if used or notes.statements or notes.unit.startswith((TEST, IMPORT)):
            # Several cached functions may have the same code.
            for unit in notes.unit.split(SEPARATOR):
                self._send(self._messages.event(unit, used, notes))

    def _numbers(self, notes: Notes) -> set[int]:
        used = self._messages.numbers(notes, self._accesses.written)
        # Django loads a template once in a process.
        for name in self._loads.keys() & notes.templates:
            used |= self._loads[name]
        return used

    def _failed(self, error: Exception) -> None:
        """Note an error of a hook; none reaches a test."""
        if type(error).__module__.startswith("ctest_containers."):
            # The time of a test is up.
            raise error
        self._open[-1].opaque.add(f"cannot be recorded ({type(error).__name__}: {error})")

    def begin_inside(self, name: str, frame: FrameType) -> None:
        """Begin a unit that ends when a function does; the unit around it has used the same."""
        self._divide()
        self._open.append(Notes(name, frame))

    def leave(self, frame: FrameType) -> None:
        """End the unit that a function has begun; nothing happens if it has begun none."""
        if self._open[-1].frame is frame:
            self._divide()
            self._close(self._open.pop())
            while self._open[-1].has_left:
                self._close(self._open.pop())
            return
        for notes in self._open:
            if notes.frame is frame:
                notes.has_left = True

    def _close(self, notes: Notes) -> None:
        """End a unit inside another one, which has used the same."""
        notes.frame = None
        outer = self._open[-1]
        if notes.unit.startswith(LOADING):
            name = notes.unit.removeprefix(LOADING)
            used = self._numbers(notes)
            self._loads[name] = self._loads.get(name, set()) | used
        elif notes.unit == BASE:
            self._base.add(notes)
        elif outer is not self._base:
            self._send_notes(notes)
        outer.add(notes)

    def _enter_module(self, frame: FrameType) -> None:
        if len(self._open) == 1:
            return
        outer = self._open[-1]
        self.begin_inside(f"{IMPORT}{frame.f_globals.get('__name__')}", frame)
        is_empty = frame.f_code.co_names in EMPTY
        if not (is_empty or all(name.startswith("__") for name in frame.f_globals)):
            # Who loads a module again has changed something, and the module stays as it is then.
            # Django does so with the packages of migrations.
            self._open[-1].add(outer)
            self._open[-1].statements.clear()

    def _enter_template(self, frame: FrameType) -> None:
        name = frame.f_locals.get("name")
        if isinstance(name, str):
            self.begin_inside(f"{LOADING}{name}", frame)

    def _enter_once(self, frame: FrameType) -> None:
        self.begin_inside(BASE, frame)

    def _enter_cached(self, frame: FrameType) -> None:
        code = frame.f_code
        self._open[-1].codes[number_of(code)] = code
        names = self._cached[number_of(code)]
        self.begin_inside(SEPARATOR.join(f"{CACHED}{name}" for name in sorted(names)), frame)

    def _enter_lru_cache(self, frame: FrameType) -> None:
        if callable(function := frame.f_locals.get("maxsize")):
            self._find_cached(function)

    def _enter_decorating(self, frame: FrameType) -> None:
        self._find_cached(frame.f_locals["user_function"])

    def _find_cached(self, function: Any) -> None:
        code = code_of(function)
        if code is not None and self._files.is_wanted(code.co_filename):
            self._add_cached(code, name_of_cached(function))

    def _add_cached(self, code: CodeType, name: str) -> None:
        self._cached.setdefault(number_of(code), set()).add(name)
        self._watch.add(code, Hook(self._enter_cached, self.leave))
