"""Turns the notes of a unit into an event, in which every name has a number."""

from __future__ import annotations

import dis
import itertools
import os
from array import array
from binascii import a2b_base64, b2a_base64
from collections.abc import Iterable
from itertools import filterfalse
from types import CodeType
from typing import Any, Final

from ctest_containers.events.usage import UsageRecorded
from ctest_containers.usage.notes import Notes
from ctest_containers.usage.project_files import ProjectFiles
from ctest_containers.usage.units import INTEGER

__unittest = True

KINDS: Final = {
    "functions": "f",
    "classes": "c",
    "lookups": "l",
    "models": "m",
    "files": "F",
    "folders": "D",
    "matches": "M",
    "paths": "P",
    "variables": "v",
    "settings": "s",
    "templates": "t",
    "opaque": "o",
    "data": "d",
    "fixtures": "x",
}
"""The first letter of a name in a message, for each field of `Usage` that it may be in."""

EXAMINING: Final = frozenset({"stat", "lstat", "access", "readlink"})
"""Functions of `os` that are neither watched nor audited."""

COPYING: Final = frozenset({"copy_expert", "copy_from", "copy_to", "executescript"})
"""Methods of drivers' cursors that Django does not see."""


DOTTED: Final = frozenset({"lookups", "classes"})
"""The kinds of names of modules, and of names in them."""

MICROSECONDS: Final = 1_000_000

COMMANDS: Final = "django.core.management.commands."
"""The modules of Django's commands, some of which use all models and migrations."""


def packed(numbers: Iterable[int]) -> str:
    """Return numbers as a short text."""
    return b2a_base64(array(INTEGER, numbers).tobytes(), newline=False).decode()


def unpacked(text: str) -> array[int]:
    """Return the numbers in the result of `packed`."""
    numbers = array(INTEGER)
    numbers.frombytes(a2b_base64(text))
    return numbers


class Messages:
    """Numbers names in the order in which they occur.

    Args:
        worker: The number of the worker whose process this is.
    """

    def __init__(self, worker: int, files: ProjectFiles) -> None:
        self._worker = worker
        self._files = files
        self._numbers: dict[str, int] = {}
        self._new: list[str] = []
        self._codes: dict[int, int] = {}
        # So that no other code gets the number of one of these.
        self._kept: list[CodeType] = []
        self._examining: dict[int, int] = {}
        self._paths: dict[tuple[str, str], int] = {}
        self._names: dict[str, dict[Any, int]] = {kind: {} for kind in KINDS}

    def numbers(self, notes: Notes, written: set[str]) -> set[int]:
        """The numbers of what was used.

        Args:
            written: Files that this process has written, whose existence is no input.
        """
        if not self._codes.keys() >= notes.codes.keys():
            for key, code in notes.codes.items():
                if key not in self._codes:
                    self._add_code(key, code)
        used = set(map(self._codes.__getitem__, notes.codes))
        if not self._examining.keys().isdisjoint(used):
            used |= {self._examining[number] for number in self._examining.keys() & used}
        for kind, names in (
            ("variables", notes.variables),
            ("settings", notes.settings),
            ("templates", notes.templates),
            ("opaque", notes.opaque),
            ("fixtures", notes.fixtures),
            ("lookups", notes.lookups),
            ("classes", notes.classes),
        ):
            if names:
                known = self._names[kind]
                if not known.keys() >= names:
                    known |= {name: self._name_number(kind, name) for name in names}
                used.update(map(known.__getitem__, names))
        for kind, paths in (
            ("files", notes.files),
            ("folders", notes.folders),
            ("paths", filterfalse(written.__contains__, notes.paths)),
        ):
            if paths:
                used.update([self._path_number(kind, path) for path in paths])
        if notes.matches:
            for folder, pattern in notes.matches:
                if name := self._files.name_of(folder):
                    used.add(self.number(f"M{name}/{pattern}"))
        if notes.models:
            used.update([self._model_number(*names) for names in notes.models])
        used.discard(-1)
        return used

    def event(self, unit: str, used: Iterable[int], notes: Notes | None) -> UsageRecorded:
        """The message about a unit that used these names."""
        statements: tuple[tuple[int, ...], ...] = ()
        if notes is not None and notes.statements:
            statements = tuple(
                (
                    self.number(alias),
                    self.number(text),
                    sent.count,
                    round(sent.seconds * MICROSECONDS),
                    *(
                        number
                        for place, count in sent.places.items()
                        for number in (self.number(place), count)
                    ),
                )
                for (alias, text), sent in notes.statements.items()
            )
        new, self._new = self._new, []
        return UsageRecorded(
            worker=self._worker,
            unit=unit,
            first=len(self._numbers) - len(new),
            names=tuple(new),
            used=packed(used),
            statements=statements,
        )

    def number(self, name: str) -> int:
        """The number of a name, with the letter of its kind."""
        number = self._numbers.get(name)
        if number is None:
            number = self._numbers[name] = len(self._numbers)
            self._new.append(name)
        return number

    def _add_code(self, key: int, code: CodeType) -> None:
        file = code.co_filename
        if module := self._files.module_of(file):
            number = self.number(f"f{module} {code.co_firstlineno}")
            if reason := _reason(code):
                self._examining[number] = self.number(f"{KINDS['opaque']}{reason}")
        else:
            # Code without a module is known by its file.
            number = self._path_number("files", os.path.abspath(file))  # noqa: PTH100
        self._codes[key] = number
        self._kept.append(code)

    def _path_number(self, kind: str, path: str) -> int:
        """The number of a path's name; -1 if it is not an input."""
        key = kind, path
        number = self._paths.get(key)
        if number is None:
            name = self._files.name_of(path)
            if kind == "paths" and self._files.paths.is_around(path):
                # Folders above the project exist wherever the project is.
                name = ""
            number = self._paths[key] = self.number(KINDS[kind] + name) if name else -1
        return number

    def _name_number(self, kind: str, name: str) -> int:
        """The number of a name; -1 for dotted names that are neither the project's nor commands."""
        if kind in DOTTED and not name.startswith(COMMANDS) and not self._files.is_of_project(name):
            return -1
        return self.number(KINDS[kind] + name)

    def _model_number(self, label: str, name: str) -> int:
        letter = "m"
        if label == "*":
            return self.number(f"{letter}*")
        from django.apps import apps

        model: Any = apps.all_models.get(label, {}).get(name)
        return self.number(f"{letter}{model._meta.label if model else f'{label}.{name}'}")


def _reason(code: CodeType) -> str:
    """Why code may use something that cannot be recorded; empty if it does not."""
    names = frozenset(code.co_names)
    if "os" in names and not EXAMINING.isdisjoint(names):
        return "may examine files with functions of os"
    if not COPYING.isdisjoint(names) or {"copy", "cursor"} <= names:
        return "may copy rows with the driver of a database"
    if {"connection", "cursor"} <= names and _uses_driver(code):
        return "may use the driver of a database"
    return ""


def _uses_driver(code: CodeType) -> bool:
    """Whether code takes the connection of a connection of Django: `connection.connection`."""
    steps = [*dis.get_instructions(code)]
    return any(
        before.argval == step.argval == "connection" and step.opname in {"LOAD_ATTR", "LOAD_METHOD"}
        for before, step in itertools.pairwise(steps)
    )
