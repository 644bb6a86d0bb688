"""Finds what a migration uses from outside its folder, in its text; it is not imported."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ctest_containers.project.own_code import defining, is_own

IMPORTED: Final = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([\w.]+)", re.MULTILINE)

READING: Final = re.compile(rb"loaddata|open\(|read_text|read_bytes")
"""What migrations read files with."""

FILE_NAME: Final = re.compile(r"(?!/)[\w./ -]*\w")

RUNNING: Final = ("RunPython", "RunSQL")
"""Operations whose arguments are executed."""

SHAPES_NO_TABLE: Final = frozenset(
    {
        *("bases", "managers", "validators", "default", "storage", "upload_to"),
        *("verbose_name", "help_text", "choices", "limit_choices_to", "error_messages"),
    }
)
"""Arguments of operations and fields whose values stay in the state of a model."""


@dataclass(frozen=True, slots=True)
class Reads:
    """What a migration uses from outside.

    Attributes:
        modules: Of the project's own, from which it calls something, or takes what it runs.
        files: The texts in it that may name a file, where it reads any.
    """

    modules: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def reads(text: bytes, package: str) -> Reads:
    """What a migration uses, as far as its own text tells.

    What it only mentions, as the upload folder of a field, does not count: a migration that Django
    has written imports whole modules of models for that, which change every day.

    Args:
        package: That of the migrations, from which relative imports start.
    """
    imported = (match[1].decode("ascii") for match in IMPORTED.finditer(text))
    has_own = any(name.startswith(".") or is_own(name) for name in imported)
    has_files = READING.search(text) is not None
    if not has_own and not has_files:
        return Reads()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        # It shows when it is executed.
        return Reads()
    uses = _Uses(package)
    uses.visit(tree)
    constants = (one.value for one in ast.walk(tree) if isinstance(one, ast.Constant))
    named = (one for one in constants if isinstance(one, str) and FILE_NAME.fullmatch(one))
    return Reads(modules=uses.modules(), files=frozenset(named) if has_files else frozenset())


class _Uses(ast.NodeVisitor):
    """Collects what a module imports, and which of it it calls, or uses in what is executed."""

    def __init__(self, package: str) -> None:
        self._package = package
        self._imported: dict[str, set[str]] = defaultdict(set)
        self._used: set[str] = set()
        self._is_executed = True

    def modules(self) -> frozenset[str]:
        """Those of the project's own that are used."""
        found = {
            module
            for name, modules in self._imported.items()
            for module in modules
            if name == "*" or any(f"{used}.".startswith(f"{name}.") for used in self._used)
        }
        inside = f"{self._package}."
        return frozenset(one for one in found if is_own(one) and not f"{one}.".startswith(inside))

    def visit_Import(self, node: ast.Import) -> None:
        for one in node.names:
            self._imported[one.asname or one.name].add(one.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        base = node.module or ""
        if node.level:
            try:
                base = importlib.util.resolve_name("." * node.level + base, self._package)
            except ImportError:
                return
        for one in node.names:
            if is_own(base):
                self._imported[one.asname or one.name].add(defining(base, one.name))

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            self.visit(base)
        with self._executed(is_executed=self._is_executed and node.name != "Migration"):
            for statement in node.body:
                self.visit(statement)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        with self._executed(is_executed=True):
            self.generic_visit(node)

    def visit_Lambda(self, node: ast.Lambda) -> None:
        with self._executed(is_executed=True):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        called = _dotted(node.func)
        self._used.add(called)
        with self._executed(is_executed=self._is_executed or called.rpartition(".")[2] in RUNNING):
            self.visit(node.func)
            for argument in node.args:
                self.visit(argument)
            for keyword in node.keywords:
                if self._is_executed or keyword.arg not in SHAPES_NO_TABLE:
                    self.visit(keyword.value)

    def visit_Name(self, node: ast.Name) -> None:
        if self._is_executed:
            self._used.add(node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if self._is_executed:
            self._used.add(_dotted(node))
        self.visit(node.value)

    @contextmanager
    def _executed(self, *, is_executed: bool) -> Iterator[None]:
        before, self._is_executed = self._is_executed, is_executed
        yield
        self._is_executed = before


def _dotted(node: Any) -> str:
    """`a.b.c` for such a chain of attributes; empty for anything else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
