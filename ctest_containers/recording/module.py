"""Finds the definitions in the source of a module, and what each of them refers to.

A definition is a function (`fill`, `Loader.rows`), a class without its methods (`Loader`), or what
a module binds to a name (`ROLES`). An empty name stands for all of a module but its functions.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ctest_containers.recording.bindings import bound_by, changed_by_calls, root_of
from ctest_containers.recording.plain import is_plain
from ctest_containers.recording.references import (
    DEFINITIONS,
    FUNCTIONS,
    References,
    blocks,
    imports_of,
    references_of,
    variables_of,
    walk,
)

WHOLE: Final = ""
"""The name of everything in a module except its functions."""

INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
"""Folders of installed packages, which may be inside of Python's own."""


INNER: Final = re.compile(rb"\bdef\b|[ \t\f]class\b")
"""Matches sources that define a function, or a class inside of another block."""


@dataclass(frozen=True)
class Module:
    """The source of a module; without definitions if it cannot be parsed.

    Attributes:
        package: The package from which its relative imports start.
        is_installed: Whether it is an installed package's rather than the project's.
    """

    name: str
    package: str
    file: Path
    text: bytes
    is_installed: bool

    @classmethod
    def read(cls, name: str, file: Path) -> Module | None:
        """The module with this name; None if its file cannot be read."""
        with suppress(OSError):
            package = name if file.name == "__init__.py" else name.rpartition(".")[0]
            installed = not INSTALLED.isdisjoint(file.parts)
            return cls(name, package, file, file.read_bytes(), installed)
        return None

    @cached_property
    def is_plain(self) -> bool:
        """See `is_plain`."""
        return is_plain(self.text)

    @cached_property
    def statements(self) -> list[ast.stmt]:
        """The statements at its top level."""
        with (
            warnings.catch_warnings(),
            suppress(SyntaxError, ValueError, RecursionError, MemoryError),
        ):
            # Warnings are for its importers, and must not become errors here.
            warnings.simplefilter("ignore")
            return ast.parse(self.text).body
        return []

    @cached_property
    def imported(self) -> Mapping[str, list[str]]:
        """The origins of imported names; a name may have several, after a failing import."""
        return imports_of(self.statements, self.package)

    @cached_property
    def stars(self) -> list[str]:
        """The modules that it imports with `*`."""
        return self.imported.get("*", [])

    @cached_property
    def nodes(self) -> Mapping[str, list[ast.stmt]]:
        """The statements that define each name, and functions and classes by their paths.

        Imports are left out.
        """
        nodes: dict[str, list[ast.stmt]] = defaultdict(list)
        for statement in self.statements:
            for name in dict.fromkeys(bound_by(statement)):
                nodes[name].append(statement)
        for statement in self.statements:
            # The rest of a module uses what such a call has changed.
            for root in dict.fromkeys(changed_by_calls(statement)):
                owners = nodes.get(root, [statement])
                if statement not in owners and not any(isinstance(n, FUNCTIONS) for n in owners):
                    owners.append(statement)
        for path, node in self._definitions:
            if "." in path:
                nodes[path].append(node)
        return dict(nodes)

    @cached_property
    def deleted(self) -> frozenset[str]:
        """The names that it binds and deletes again."""
        targets = (node.targets for node in walk(self.statements) if isinstance(node, ast.Delete))
        return frozenset(root_of(target) for group in targets for target in group)

    def is_function(self, name: str) -> bool:
        """Whether a name stands for a function, and for nothing else."""
        nodes = self.nodes.get(name, [])
        return bool(nodes) and all(isinstance(node, FUNCTIONS) for node in nodes)

    def is_class(self, name: str) -> bool:
        """Whether a name stands for a class."""
        return any(isinstance(node, ast.ClassDef) for node in self.nodes.get(name, []))

    def effects(self) -> set[str]:
        """The names of statements with side effects when the module is imported.

        Functions do not, and neither do names that get a literal value.
        """
        effects: set[str] = set()
        for statement in self.statements:
            if not _is_passive(statement):
                effects |= set(bound_by(statement)) or {WHOLE}
        return effects

    def function_at(self, line: int) -> str:
        """The name of the innermost function at this line, counted from 1.

        Returns:
            The name of what the statement binds where no function has it.
        """
        if line in self._functions_by_line:
            return self._functions_by_line[line]
        for statement in self.statements:
            if line in _lines(statement):
                return next(bound_by(statement), WHOLE)
        return WHOLE

    def text_of(self, name: str) -> bytes | None:
        """The source of a definition; None if there is no such definition."""
        if name != WHOLE and name not in self.nodes:
            return None
        nodes = self.nodes_of(name)
        numbers = {number for node in nodes for number in _own_lines(node)}
        # A new or removed method decides whether an inherited one is called.
        methods = [
            f"{inner.name}\n".encode()
            for node in nodes
            if isinstance(node, ast.ClassDef)
            for inner in node.body
            if isinstance(inner, FUNCTIONS)
        ]
        every = self._text_lines
        return b"".join([*(every[number - 1] for number in sorted(numbers)), *methods])

    def references(self, name: str) -> References:
        """The names that a definition uses."""
        if name not in self._known:
            self._known[name] = self._find_references(name)
        return self._known[name]

    @cached_property
    def _known(self) -> dict[str, References]:
        return {}

    def _find_references(self, name: str) -> References:
        references = [
            references_of(node, self.package, self._is_django_s) for node in self.nodes_of(name)
        ]
        used = frozenset[str]().union(
            *(reference.inside - reference.passed for reference in references)
        )
        passed = frozenset[str]().union(*(reference.passed for reference in references))
        return References(
            used | passed,
            frozenset[str]().union(*(reference.imported for reference in references)),
            passed - used,
            frozenset[str]().union(*(reference.called for reference in references)),
        )

    def variables(self, name: str) -> set[str]:
        """The environment variables that a definition reads by name."""
        if b"environ" not in self.text and b"getenv" not in self.text:
            return set()
        return {variable for node in self.nodes_of(name) for variable in variables_of(node)}

    def _is_django_s(self, dotted: str) -> bool:
        origins = self.imported.get(dotted.partition(".")[0], [])
        return bool(origins) and all(f"{origin}.".startswith("django.") for origin in origins)

    def nodes_of(self, name: str) -> list[ast.stmt]:
        """The statements of a definition."""
        if name == WHOLE:
            return [node for node in self.statements if not isinstance(node, FUNCTIONS)]
        return self.nodes.get(name, [])

    @cached_property
    def _text_lines(self) -> list[bytes]:
        return self.text.splitlines(keepends=True)

    @cached_property
    def _definitions(self) -> list[tuple[str, ast.stmt]]:
        """All functions and classes by their paths, each before the ones inside it."""
        if INNER.search(self.text) is None:
            # Most migrations are one class.
            return [(node.name, node) for node in self.statements if isinstance(node, ast.ClassDef)]
        definitions: list[tuple[str, ast.stmt]] = []
        waiting: list[tuple[str, Any]] = [("", node) for node in reversed(self.statements)]
        while waiting:
            prefix, node = waiting.pop()
            if isinstance(node, DEFINITIONS):
                definitions.append((f"{prefix}{node.name}", node))
                prefix = f"{prefix}{node.name}."
            waiting += [(prefix, block) for block in blocks(node)]
        return definitions

    @cached_property
    def _functions_by_line(self) -> dict[int, str]:
        functions: dict[int, str] = {}
        for path, node in self._definitions:
            if isinstance(node, FUNCTIONS):
                functions.update(dict.fromkeys(_lines(node), path))
        return functions


def _is_passive(statement: ast.stmt) -> bool:
    if isinstance(statement, FUNCTIONS):
        return not statement.decorator_list
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        value = statement.value
        return all(isinstance(target, ast.Name) for target in targets) and (
            value is None or _is_literal(value)
        )
    imports = isinstance(statement, (ast.Import, ast.ImportFrom))
    return imports or (
        isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    )


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _lines(node: Any) -> range:
    """The lines of a statement with its decorators, counted from 1."""
    first = min(part.lineno for part in (node, *getattr(node, "decorator_list", [])))
    return range(first, node.end_lineno + 1)


def _own_lines(node: ast.stmt) -> Iterator[int]:
    """The same lines; for a class, without the lines of its methods and between them."""
    if not isinstance(node, ast.ClassDef):
        yield from _lines(node)
        return
    yield from range(_lines(node)[0], _lines(node.body[0])[0])
    for inner in node.body:
        if not isinstance(inner, FUNCTIONS):
            yield from _own_lines(inner)
