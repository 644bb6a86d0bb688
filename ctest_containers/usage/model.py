"""The usage of tests, and of what counts for several tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Final, TypeAlias

Function: TypeAlias = tuple[str, int]
"""The name of a module, and the first line of a function in it, decorators included."""

BASE: Final = "base"
"""The unit of what ran before the first test."""

TEST, CLASS, MODULE, IMPORT, CACHED, FIXTURE = (
    *("test ", "class ", "module ", "import "),
    *("cached ", "fixture "),
)
"""The prefixes of the names of units: see `Usage`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementUsage:
    """How often a kind of SQL statement was sent.

    Attributes:
        text: The statement with placeholders in place of its literals.
        alias: The database's alias.
        count: How often it was sent.
        seconds: How long all of them took.
        places: How often each line of the project sent it: `file:line`.
    """

    text: str
    alias: str
    count: int
    seconds: float
    places: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a unit has used.

    A unit is a test, or something that counts for several tests: the fixtures of a class (`class
    module.Class`) or a module, code that ran while a module was imported (`import module`), a
    function that caches its answers (`cached module:name`), a fixture of pytest, or `BASE`.

    Attributes:
        functions: Functions that ran.
        definitions: The functions that ran, by the names of their modules and their own: in place
            of `functions` in a recording, since lines change.
        classes: Full names of classes that were used without running a function of theirs.
        lookups: Full names of modules, and of names in them, that were looked up.
        models: Labels of models that were looked up; `*` for all of them.
        files: Names of files that were read.
        folders: Names of folders that were listed.
        matches: Names of folders that were searched, each with a slash and a pattern.
        paths: Names of files and folders whose existence was checked.
        variables: Names of environment variables.
        settings: Names of settings.
        templates: Names of HTML templates that were looked up.
        fixtures: Units of fixtures that count for this unit.
        statements: SQL statements, in the order in which each was sent first.
        data: Names of folders with files of which any may have been read, apart from sources.
        opaque: Why anything else may have been used: `starts the program git`.
    """

    functions: frozenset[Function] = frozenset()
    definitions: frozenset[tuple[str, str]] = frozenset()
    classes: frozenset[str] = frozenset()
    lookups: frozenset[str] = frozenset()
    models: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    matches: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    templates: frozenset[str] = frozenset()
    data: frozenset[str] = frozenset()
    opaque: frozenset[str] = frozenset()
    fixtures: frozenset[str] = frozenset()
    statements: tuple[StatementUsage, ...] = field(default=())

    def __or__(self, other: Usage) -> Usage:
        """What either has used; statements are added up."""
        kinds = [kind.name for kind in fields(self) if kind.name != "statements"]
        sets: dict[str, Any] = {kind: getattr(self, kind) | getattr(other, kind) for kind in kinds}
        return Usage(**sets, statements=_added(self.statements + other.statements))


def _added(statements: tuple[StatementUsage, ...]) -> tuple[StatementUsage, ...]:
    added: dict[tuple[str, str], StatementUsage] = {}
    for statement in statements:
        key = statement.alias, statement.text
        if (before := added.get(key)) is None:
            added[key] = statement
            continue
        places = dict(before.places)
        for place, count in statement.places.items():
            places[place] = places.get(place, 0) + count
        added[key] = replace(
            before,
            count=before.count + statement.count,
            seconds=before.seconds + statement.seconds,
            places=places,
        )
    return tuple(added.values())
