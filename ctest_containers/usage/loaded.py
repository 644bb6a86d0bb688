"""Finds the functions that this process has loaded, and which of them have run."""

from __future__ import annotations

import ctypes
import dis
import functools
import gc
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import compress
from types import CodeType, FunctionType
from typing import Any, Final

from ctest_containers.events.usage import UsageRecorded
from ctest_containers.recording.functions import calibrate
from ctest_containers.usage.hooks import CO_OPTIMIZED, CachedFunction, number_of
from ctest_containers.usage.import_watch import begin, end
from ctest_containers.usage.messages import KINDS, Messages
from ctest_containers.usage.model import BASE
from ctest_containers.usage.unwatched import note_unwatched

CACHED_TYPE: Final = type(functools.cache(id))
"""The type of functions that cache their answers."""

SETTINGS: Final = "DJANGO_SETTINGS_MODULE"

LEAVING: Final = ("RETURN_VALUE", "RETURN_CONST", "RAISE", "RERAISE")
"""Instructions after which code does not go on."""


@dataclass(slots=True)
class Loaded:
    """The functions of the project that this process has loaded.

    Attributes:
        codes: Their code and that of functions in them, by identity.
        cached: Those whose answers are cached.
        templates: Names of HTML templates in memory.
    """

    codes: dict[int, CodeType] = field(default_factory=dict)
    cached: list[CachedFunction] = field(default_factory=list)
    templates: set[str] = field(default_factory=set)


class LoadedFunctions:
    """Finds them; objects that are frozen cannot be found, so `look` has to be called before."""

    def __init__(self) -> None:
        self._loaded = Loaded()
        # Also what modules read that are imported from now on, such as those of the tests.
        self._watch = begin()
        self._files = self._watch.files

    @property
    def cached(self) -> Sequence[CachedFunction]:
        """The functions whose answers are cached."""
        return self._loaded.cached

    def look(self) -> Loaded:
        """Add what has been loaded since the last call, and return everything."""
        from django.template.base import Template

        objects = gc.get_objects()
        wanted = {FunctionType, CACHED_TYPE, Template}
        loaded = self._loaded
        # Few of many thousand objects are functions.
        for value in compress(objects, map(wanted.__contains__, map(type, objects))):
            if type(value) is Template:
                if isinstance(value.name, str):
                    loaded.templates.add(value.name)
                continue
            code = code_of(value if type(value) is FunctionType else value.__wrapped__)
            if code is None or not self._files.is_wanted(code.co_filename):
                continue
            if type(value) is CACHED_TYPE:
                loaded.cached.append((code, name_of_cached(value)))
            for inner in _with_inner(code):
                loaded.codes[number_of(inner)] = inner
        return loaded

    def base(self) -> UsageRecorded | None:
        """The usage of what this process has run so far; None if that is nothing."""
        from django.apps import apps
        from django.conf import settings

        loaded, has_run = self.look(), has_run_test()
        watch, notes = self._watch, self._watch.notes
        unwatched = watch.unwatched if watch.is_complete else frozenset(sys.modules)
        # Workers are forks of this process, and note accesses themselves.
        end()
        # Functions in a function that has not run have not run either.
        notes.codes = {number: code for number, code in loaded.codes.items() if has_run(code)}
        notes.settings = {name for name in vars(settings) if name.isupper()}
        notes.templates |= loaded.templates
        for config in apps.get_app_configs():
            # Django looks for them once.
            notes.matches.add((f"{config.path}/templatetags", "*.py"))
            notes.paths |= {f"{config.path}/apps.py", f"{config.path}/static"}
        reads = note_unwatched(notes, self._own(unwatched), notes.codes.values())
        messages = Messages(0, self._files)
        used = messages.numbers(notes, watch.accesses.written)
        if reads:
            used.add(messages.number(f"{KINDS['data']}."))
        return messages.event(BASE, used, None) if used else None

    def _own(self, modules: Iterable[str]) -> Iterator[str]:
        """Yield the names of those modules that are in the project's checkout.

        Others may be of programs that start tests. Settings are compared.
        """
        for name in modules:
            file = getattr(sys.modules.get(name), "__file__", None)
            is_program = name in {"__main__", "__mp_main__", os.environ.get(SETTINGS)}
            if is_program or not isinstance(file, str) or not self._files.is_wanted(file):
                continue
            if self._files.paths.is_in_checkout(file):
                yield name


def code_of(function: Any) -> CodeType | None:
    """The code of a function or a partial one; None if it has none."""
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def name_of_cached(function: Any) -> str:
    """The full name of a function: `module:name`."""
    while isinstance(function, functools.partial):
        function = function.func
    return f"{function.__module__}:{function.__qualname__}"


def _with_inner(code: CodeType) -> Iterator[CodeType]:
    """The code of a function, and of the functions in it."""
    waiting = [code]
    while waiting:
        code = waiting.pop()
        if code.co_flags & CO_OPTIMIZED:
            yield code
        waiting += [constant for constant in code.co_consts if isinstance(constant, CodeType)]


def has_run_test() -> Callable[[CodeType], bool]:
    """A function that returns whether code has run in this process, as far as that can be seen.

    The interpreter changes the instructions of code when it runs first, or counts its runs.
    """
    if sys.version_info >= (3, 12):
        return _has_changed if _changes_at_once() else _may_have_run
    offset, unused = calibrate()
    return lambda code: ctypes.c_int.from_address(id(code) + offset).value != unused


def _has_changed(code: Any) -> bool:
    return bool(code._co_code_adaptive != code.replace()._co_code_adaptive)


def _changes_at_once() -> bool:
    """Whether even the simplest code changes when it runs, which it does from Python 3.13 on."""
    namespace: dict[str, Any] = {}
    exec(compile("def probe():\n    return 1\n", "<calibration>", "exec"), namespace)  # noqa: S102
    probe = namespace["probe"]
    if _has_changed(probe.__code__):
        raise RuntimeError(f"Python {sys.version} does not show which functions have run.")
    probe()
    return _has_changed(probe.__code__)


def _may_have_run(code: CodeType) -> bool:
    """Whether code has changed, or might have run without a change."""
    return _has_changed(code) or not _begins_adaptive(code)


def _begins_adaptive(code: CodeType) -> bool:
    """Whether code that runs always reaches an instruction that changes."""
    sizes: Any = vars(dis)["_inline_cache_entries"]  # By opcode, in Python 3.12.
    for opcode in code.co_code[::2]:
        if sizes[opcode]:
            return True
        if opcode in dis.hasjrel or dis.opname[opcode].startswith(LEAVING):
            return False
    return False
