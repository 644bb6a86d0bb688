"""The names of what a build has used."""

from __future__ import annotations

import json
import posixpath
from dataclasses import asdict, dataclass, fields, replace
from typing import Final

from ctest_containers.recording.sources import Definition

MOST_FILES: Final = 100_000
"""The most files to compare one by one, which takes about a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The names of what a build has used.

    Attributes:
        definitions: Names of modules, and of definitions in them.
        names: Names, with their modules, of what was called.
        families: Names of classes whose subclasses were looked for.
        files: Names of files that were read.
        folders: Names of folders that were listed.
        matches: Names of folders that were searched, each with a slash and a pattern.
        paths: Names of files and folders whose existence was checked.
        variables: Names of environment variables.
        settings: Names of settings.
        programs: Names of programs that were started.
        clocks: Names of functions and programs that return another value at each call.
        trees: Names of folders all of whose files count, in place of too many single files.
    """

    definitions: frozenset[Definition] = frozenset()
    names: frozenset[str] = frozenset()
    families: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    matches: frozenset[str] = frozenset()
    paths: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    programs: frozenset[str] = frozenset()
    clocks: frozenset[str] = frozenset()
    trees: frozenset[str] = frozenset()

    def __or__(self, other: Used) -> Used:
        """Everything that either build has used."""
        names = [field.name for field in fields(self)]
        return Used(**{name: getattr(self, name) | getattr(other, name) for name in names})

    def summarized(self) -> Used:
        """The same names, with folders in place of their files if there are too many to compare."""
        names = self.files | self.paths
        if len(names) <= MOST_FILES:
            return self
        trees = frozenset(posixpath.dirname(name) for name in names)
        return replace(self, files=frozenset(), paths=frozenset(), trees=self.trees | trees)

    def to_json(self) -> str:
        """The names as JSON."""
        return json.dumps({name: sorted(value) for name, value in asdict(self).items()})

    @classmethod
    def from_json(cls, text: str) -> Used:
        """The names from the result of `to_json`."""
        content = json.loads(text)
        content["definitions"] = map(tuple, content["definitions"])
        return cls(**{name: frozenset(value) for name, value in content.items()})
