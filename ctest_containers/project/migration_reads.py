"""Finds what a migration uses from outside its folder, in its text; it is not imported."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from ctest_containers.project.own_code import VERSIONED, parse, source

IMPORT: Final = re.compile(rb"(?:^|;)[ \t]*(from|import)\b([^#;\n]*)", re.MULTILINE)

FREQUENT: Final = frozenset({"__future__", "datetime", "decimal", "functools", "re", "uuid"})
"""What migrations often import of Python's."""

READING: Final = re.compile(rb"open\(|read_text|read_bytes")
WRITING: Final = re.compile(rb"""write_text|write_bytes|["'][rb]*[wax+][bt+]*["']""")
"""A file that is written is another one after each migration."""

SCHEMA_OPERATIONS: Final = frozenset(
    {
        *("CreateModel", "DeleteModel", "RenameModel", "AlterModelTable", "AlterModelOptions"),
        *("AlterModelTableComment", "AlterUniqueTogether", "AlterIndexTogether"),
        *("AlterOrderWithRespectTo", "AlterModelManagers", "AddField", "RemoveField"),
        *("AlterField", "RenameField", "AddIndex", "RemoveIndex", "RenameIndex"),
        *("AddConstraint", "RemoveConstraint", "AlterConstraint"),
        *("AddIndexConcurrently", "RemoveIndexConcurrently", "AddConstraintNotValid"),
    }
)
"""Django's own, which call what makes columns, and only mention other things."""

EXECUTING: Final = frozenset({"RunPython", "RunSQL"})
"""Those that may be among the arguments of others."""

SHAPES_NO_TABLE: Final = frozenset(
    {
        *("bases", "managers", "validators", "default", "storage", "upload_to", "encoder"),
        *("verbose_name", "help_text", "choices", "limit_choices_to", "error_messages"),
    }
)
"""Arguments of theirs, and of fields, whose values stay in the state of a model."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What a migration uses from outside, as far as its own text tells.

    Attributes:
        names: Of what it calls, and of what operations use that execute code or SQL, with dots.
        commands: Management commands that it calls.
        fixtures: The texts in it that may be names of fixtures, where it loads any.
        files: Those that may name a file, where it reads any.
    """

    names: frozenset[str] = frozenset()
    commands: frozenset[str] = frozenset()
    fixtures: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


@functools.cache
def reads(text: bytes, package: str) -> Reads:
    """What a migration uses, without what it only mentions, as the upload folder of a field.

    A migration that Django has written imports whole modules of models for such things. A run asks
    before its tests are discovered, and again when it needs the template.

    Args:
        package: The package that it is in, from which relative imports start.
    """
    calls = b"call_command" in text
    has_files = READING.search(text) is not None and WRITING.search(text) is None
    if not (calls or has_files or any(map(_is_other, _imported(text)))):
        return Reads()
    tree = parse(text)
    if tree is None:
        return Reads()
    uses = _Uses(package)
    uses.walk(tree)
    constants = (one.value for one in ast.walk(tree) if isinstance(one, ast.Constant))
    words = frozenset(one for one in constants if isinstance(one, str) and one)
    return Reads(
        names=frozenset(uses.names()),
        commands=frozenset(uses.commands),
        fixtures=words if "loaddata" in uses.commands else frozenset(),
        files=frozenset(one for one in words if "." in one) if has_files else frozenset(),
    )


def _imported(text: bytes) -> Iterator[str]:
    """The names after each `from` and `import`, roughly: enough to see whether to look closer."""
    for match in IMPORT.finditer(text):
        names = match[2].split(b",") if match[1] == b"import" else [match[2]]
        yield from (word[0].decode("ascii", "replace") for name in names if (word := name.split()))


def _is_other(name: str) -> bool:
    return name.startswith(".") or name.partition(".")[0] not in VERSIONED | FREQUENT


class _Uses:
    """Collects what a module imports, and which of it it calls, or uses in what is executed."""

    def __init__(self, package: str) -> None:
        self.commands: set[str] = set()
        self._package = package
        self._imported: list[tuple[str, str]] = []
        self._used: set[str] = set()

    def names(self) -> set[str]:
        """The dotted names of what is used of other modules."""
        found = {of for name, of in self._imported if name == "*"}
        for name, of in self._imported:
            for used in self._used:
                if used == name or used.startswith(f"{name}."):
                    found.add(of + used[len(name) :])
        return found

    def walk(self, tree: ast.Module) -> None:
        """Take in a module, however deep its statements are."""
        waiting: list[tuple[ast.AST, bool]] = [(tree, True)]
        while waiting:
            node, is_executed = waiting.pop()
            if isinstance(node, ast.Import):
                self._imported += [(one.asname or one.name, one.name) for one in node.names]
            elif isinstance(node, ast.ImportFrom):
                module = source(node, self._package)
                self._imported += [
                    (one.asname or one.name, f"{module}.{one.name}".removesuffix(".*"))
                    for one in node.names
                    if module
                ]
            elif isinstance(node, ast.Call):
                waiting += self._call(node, is_executed=is_executed)
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
                waiting += [(one, True) for one in ast.iter_child_nodes(node)]
            elif name := _dotted(node):
                self._used |= {name} if is_executed else set()
            else:
                waiting += [(one, is_executed) for one in ast.iter_child_nodes(node)]

    def _call(self, node: ast.Call, *, is_executed: bool) -> Iterator[tuple[ast.AST, bool]]:
        """Take in what is called; gives its arguments, and whether they are executed, too."""
        called = _dotted(node.func)
        last = called.rpartition(".")[2]
        if called:
            self._used.add(called)
        else:
            yield node.func, is_executed
        if last == "call_command" and node.args and isinstance(node.args[0], ast.Constant):
            self.commands.add(str(node.args[0].value))
        is_executed = (is_executed or last in EXECUTING) and last not in SCHEMA_OPERATIONS
        yield from ((one, is_executed) for one in node.args)
        for one in node.keywords:
            if is_executed or one.arg not in SHAPES_NO_TABLE:
                yield one.value, is_executed


def _dotted(node: ast.AST) -> str:
    """`a.b.c` for such a chain of attributes; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
