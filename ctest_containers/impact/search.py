"""Finds the units that changes reach, and on which way."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from ctest_containers.impact.changes import Changes
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.nodes import ANYTHING, CALLS, IMPORT, VARIABLE, reached
from ctest_containers.impact.schema import folded
from ctest_containers.impact.vendors import vendor_of
from ctest_containers.recording.sources import Definition
from ctest_containers.statements.touched import touched
from ctest_containers.usage.model import BASE, CACHED, CLASS, FIXTURE, MODULE, TEST, Usage
from ctest_containers.usage.model import IMPORT as IMPORTED

WORDS: Final = {
    "files": "{} changed",
    "folders": "the files in {} changed",
    "matches": "the files like {} changed",
    "paths": "{} was added or removed",
    "templates": "the template {} changed",
    "settings": "the setting {} changed",
    "variables": "the environment variable {} changed",
}
"""How changes of inputs are explained, by kind."""

ONCE: Final = (".mo", "/staticfiles.json")
"""Ends of the names of files that Django reads once in a process."""

ALL_MODELS: Final = "*"
"""The label that stands for all models."""


class Units(Protocol):
    """The usage of units by name, in which units can be found by what they have used."""

    def __getitem__(self, name: str, /) -> Usage: ...
    def __contains__(self, name: object, /) -> bool: ...
    def __iter__(self) -> Iterator[str]: ...
    def __len__(self) -> int: ...

    def users(self, kind: str, names: Collection[Any], /) -> set[str]:
        """Return the units that have used any of these names."""

    def names(self, kind: str, /) -> Collection[Any]:
        """Return everything of a kind that units have used."""

    def statement_texts(self) -> Collection[tuple[str, str]]:
        """Return the aliases and texts of all statements."""

    def statement_users(self, texts: Collection[tuple[str, str]], /) -> set[str]:
        """Return the units that have sent any of these statements."""


class Search:
    """Finds the units that changes reach, and keeps on which way."""

    def __init__(self, units: Units, recorded: Inputs, changes: Changes) -> None:
        self._units = units
        self._recorded = recorded
        self._changes = changes
        self._users: dict[Definition, list[Definition]] = defaultdict(list)
        for definition, node in recorded.nodes.items():
            for other in node.references:
                self._users[other].append(definition)
        # The next definition on the way from each one to what has changed; itself at its end.
        self._next: dict[Definition, Definition] = {}
        self._why: dict[Definition, str] = {}
        self._spread(changes.definitions, "")
        self._spread_caches()

    def everything(self) -> tuple[str, ...]:
        """Return why all tests are affected; empty if they need not be."""
        base = reached(self._recorded.nodes, self._recorded.base, self._recorded.observed)
        changed = self._next.keys() & base
        ends = {self._end(definition) for definition in changed} & base
        reasons = [
            f"{_name(definition)} counts for all tests: it runs when modules are imported"
            if definition[1] != IMPORT
            else f"{definition[0]} does something else when it is imported"
            for definition in sorted(ends)
        ]
        for name in self._units:
            if name == BASE or name.startswith(IMPORTED):
                reasons += [
                    f"{reason}, which counts for all tests"
                    for reason in self._of_imports(self._units[name])
                ]
                if self._changes:
                    reasons += sorted(self._units[name].opaque)
        for kind in ("files", "paths"):
            for name in sorted(self._changes.others.get(kind, ())):
                if name.endswith(ONCE):
                    reasons.append(WORDS[kind].format(name))
        return tuple(dict.fromkeys(reasons))

    def affected(self, tests: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield the tests that changes reach, each with a reason."""
        owned = _tests_by_owner(tests)
        for unit in sorted(self._affected_units()):
            reasons = list(self._of_unit(unit))
            for test in self._tests_of(unit, owned):
                yield from ((test, reason) for reason in reasons)
        for name in owned:
            kinds = self._recorded.named.get(name, frozenset())
            reason = "its class is defined differently" if name in self._changes.named else ""
            for kind in sorted(kinds & self._next.keys()):
                reason = self._chain("is a test of", kind)
            if reason:
                yield from ((test, reason) for test in owned[name])
        for test in self._changes.others.get("items", ()):
            yield test, "its marks, parameters or fixtures changed"
        for conftest in self._changes.conftests:
            folder = conftest.rpartition("/")[0]
            for test in tests:
                if _is_in(test, folder):
                    yield test, f"{conftest} changed"

    def _affected_units(self) -> set[str]:
        found = set(self._units.users("definitions", self._next.keys()))
        for kind in ("classes", "lookups"):
            names = {name for name in self._units.names(kind) if self._is_affected(name)}
            found |= self._units.users(kind, names)
        found |= self._units.users("models", self._labels())
        for kind in WORDS:
            if changed := self._changes.others.get(kind, frozenset()):
                found |= self._units.users(kind, changed)
        found |= self._units.users("opaque", self._units.names("opaque"))
        if texts := {text for text in self._units.statement_texts() if self._of_text(*text)}:
            found |= self._units.statement_users(texts)
        return found

    def _is_affected(self, name: str) -> bool:
        kinds = self._recorded.named.get(name, frozenset())
        return name in self._changes.named or not self._next.keys().isdisjoint(kinds)

    def _labels(self) -> set[str]:
        labels = {
            label
            for label, kinds in self._recorded.models.items()
            if not self._next.keys().isdisjoint(kinds)
        }
        labels |= self._changes.labels
        used = {label for label in self._units.names("models") if label.lower() in labels}
        return {*used, ALL_MODELS} if labels else set()

    def _of_unit(self, name: str) -> Iterator[str]:
        """Yield why a unit is affected."""
        usage = self._units[name]
        for definition in sorted(usage.definitions & self._next.keys()):
            yield self._chain("ran", definition)
        for kind in ("classes", "lookups"):
            for full in sorted(getattr(usage, kind)):
                if self._is_affected(full):
                    yield self._of_name(full)
        yield from self._of_models(usage)
        yield from (reason for _, reason in self._of_names(usage))
        yield from self._of_statements(usage)
        yield from sorted(usage.opaque)

    def _of_imports(self, usage: Usage) -> Iterator[str]:
        """Yield why what was used when modules were imported is affected, besides definitions."""
        # Settings that are read when modules are imported are definitions as well.
        yield from (reason for kind, reason in self._of_names(usage) if kind != "settings")
        yield from self._of_models(usage)
        yield from self._of_statements(usage)

    def _of_models(self, usage: Usage) -> Iterator[str]:
        for label in sorted(usage.models & self._labels()):
            yield f"looks up the model {label}" if label != ALL_MODELS else "looks up all models"

    def _of_statements(self, usage: Usage) -> Iterator[str]:
        reasons = (self._of_text(sent.alias, sent.text) for sent in usage.statements)
        yield from filter(None, reasons)

    def _of_names(self, usage: Usage) -> Iterator[tuple[str, str]]:
        for kind, words in WORDS.items():
            changed = self._changes.others.get(kind, frozenset())
            for name in sorted(getattr(usage, kind) & changed):
                yield kind, words.format(name)

    def _of_name(self, full: str) -> str:
        for kind in sorted(self._recorded.named.get(full, frozenset()) & self._next.keys()):
            return self._chain("uses", kind)
        return f"uses {full}, which is defined elsewhere now"

    def _of_text(self, alias: str, text: str) -> str:
        """Return what a statement touches that has changed; empty if nothing has."""
        if self._changes.reaches is not None and (reason := self._changes.reaches(alias, text)):
            return reason
        if not self._affected_tables:
            return ""
        statement = touched(text, vendor_of(alias))
        for table, kinds in self._affected_tables.items():
            if statement.anything or folded(table) in statement.tables:
                if kinds:
                    return self._chain(f"touches {table}, the table of", min(kinds))
                return f"touches {table}, to which other models belong or refer now"
        return ""

    @property
    def _affected_tables(self) -> dict[str, frozenset[Definition]]:
        if not hasattr(self, "_tables"):
            self._tables = {
                table: kinds & self._next.keys()
                for table, kinds in self._recorded.tables.items()
                if table in self._changes.tables or not self._next.keys().isdisjoint(kinds)
            }
        return self._tables

    def _spread(self, definitions: Iterable[Definition], why: str) -> None:
        """Add definitions, and everything that uses them, directly or through others."""
        waiting = []
        for definition in sorted(definitions):
            if definition not in self._next:
                self._next[definition] = definition
                self._why[definition] = why
                waiting.append(definition)
        # Breadth first, so that explanations are short.
        for definition in waiting:
            for user in self._users.get(definition, ()):
                if user not in self._next:
                    self._next[user] = definition
                    waiting.append(user)

    def _spread_caches(self) -> None:
        """Add functions whose answers were computed with something that has changed."""
        waiting = {name for name in self._units if name.startswith(CACHED)}
        while True:
            found = {name: reason for name in waiting for reason in [*self._of_unit(name)][:1]}
            if not found:
                return
            for name, reason in found.items():
                module, _, part = name.removeprefix(CACHED).partition(":")
                self._spread([(module, part)], f"keeps an answer from when it {reason}")
            waiting -= found.keys()
            if hasattr(self, "_tables"):
                del self._tables

    def _end(self, definition: Definition) -> Definition:
        while (following := self._next[definition]) != definition:
            definition = following
        return definition

    def _chain(self, verb: str, definition: Definition) -> str:
        """Return how a definition is connected to what has changed: `ran a, which uses b`."""
        names = [_name(definition)]
        while (following := self._next[definition]) != definition:
            definition = following
            if names[-1] != _name(definition):
                names.append(_name(definition))
        if len(names) > 4:
            names[2:-1] = ["..."]
        return f"{verb} {', which uses '.join(names)}, which {self._why[definition] or 'changed'}"

    def _tests_of(self, unit: str, owned: Mapping[str, Sequence[str]]) -> Sequence[str]:
        """Return the tests for which a unit counts."""
        if unit.startswith(TEST):
            test = unit.removeprefix(TEST)
            return owned.get("=" + test, ())
        if unit.startswith((CLASS, MODULE)):
            return owned.get(unit.partition(" ")[2], ())
        if unit.startswith(FIXTURE):
            users = sorted(self._users_of_fixture(unit))
            return [test for user in users for test in self._tests_of(user, owned)]
        return ()

    def _users_of_fixture(self, unit: str) -> set[str]:
        """Return the units of tests that use a fixture, directly or through other fixtures."""
        users: set[str] = set()
        waiting = {unit}
        while waiting:
            found = self._units.users("fixtures", waiting) - users
            users |= found
            waiting = {name for name in found if name.startswith(FIXTURE)}
        return {name for name in users if name.startswith(TEST)}


def _tests_by_owner(tests: Iterable[str]) -> dict[str, list[str]]:
    """The tests of each class, module and package; a test itself has an equals sign before it."""
    owned: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        owned["=" + test].append(test)
        # Tests of pytest have used their class.
        owner = "" if "::" in test else test
        while owner := owner.rpartition(".")[0]:
            owned[owner].append(test)
    return owned


def _name(definition: Definition) -> str:
    module, part = definition
    if not module:
        return f"the environment {part}" if part.startswith(VARIABLE) else f"the {part}"
    if part in {"", ANYTHING, IMPORT}:
        return module
    return f"{module}.{part.removesuffix(CALLS)}"


def _is_in(test: str, folder: str) -> bool:
    """Whether a test is in a folder; its id begins with the name of a module or of a file."""
    return folder.rpartition("/")[2] in {"", ".."} or test.startswith(
        (f"{folder}/", f"{folder.replace('/', '.')}.")
    )
