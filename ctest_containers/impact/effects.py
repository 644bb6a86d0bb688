"""Finds what a module does when it is imported, beyond defining names.

A statement that only binds a name affects those that use the name. One that registers something
with another module affects everything that runs later.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.recording.module import Module
from ctest_containers.recording.references import (
    DEFINITIONS,
    FUNCTIONS,
    blocks,
    dotted_name,
    references_of,
    walk,
)

CONVENTIONAL: Final = frozenset(
    {
        *("app_name", "application", "default_app_config", "urlpatterns"),
        *("handler400", "handler403", "handler404", "handler500"),
    }
)
"""Names that frameworks look up in modules by convention."""

REGISTERING: Final = frozenset(
    {
        *("connect", "connect_via", "filter", "inclusion_tag", "on", "receiver", "register"),
        *("register_converter", "register_lookup", "shared_task", "simple_block_tag"),
        *("simple_tag", "tag", "task"),
    }
)
"""The last parts of the names of functions that register their arguments."""

TESTING: Final = ("django.test.", "unittest.", "pytest.")
"""Modules with decorators of tests, such as `django.test.tag`."""

DEFINING: Final = frozenset(
    {
        *sys.stdlib_module_names,
        *("attr", "attrs", "django", "factory", "freezegun", "hypothesis", "mock", "model_bakery"),
        *("parameterized", "pytest", "responses", "rest_framework", "typing_extensions"),
    }
)
"""Packages whose functions and decorators register nothing, apart from `REGISTERING` ones."""


@dataclass(slots=True)
class Effects:
    """What a module does when it is imported.

    Attributes:
        texts: The source of what has effects.
        inside: Dotted names of the module that it uses.
        statements: The statements that have effects.
        parts: Names of definitions that count as a whole.
    """

    texts: list[bytes] = field(default_factory=list)
    inside: set[str] = field(default_factory=set)
    statements: list[ast.stmt] = field(default_factory=list)
    parts: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.texts or self.parts)


def effects_of(
    module: Module, *, is_hooked: Callable[[str], bool], is_settings: bool = False
) -> Effects:
    """The effects of importing a module.

    Args:
        is_hooked: Whether a class of it, by name, may register itself with others when it is
            created.
        is_settings: Whether the names that it binds are settings, whose values are compared.
    """
    finder = _Finder(module, is_hooked, is_settings)
    for statement in module.statements:
        finder.visit(statement)
    return finder.effects


class _Finder:
    def __init__(
        self,
        module: Module,
        is_hooked: Callable[[str], bool],
        is_settings: bool,  # noqa: FBT001
    ) -> None:
        self.effects = Effects()
        self._module = module
        self._is_hooked = is_hooked
        self._is_settings = is_settings

    def visit(self, statement: ast.stmt) -> None:
        """Add the effects of a statement."""
        if isinstance(statement, FUNCTIONS):
            self._add_header(statement)
        elif isinstance(statement, ast.ClassDef):
            self._visit_class(statement)
        elif isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            self._visit_assignment(statement)
        elif _is_block(statement):
            self._visit_blocks(statement)
        elif not _is_passive(statement):
            self._add(statement)

    def _visit_class(self, statement: ast.ClassDef) -> None:
        self._add_header(statement)
        if self._is_hooked(statement.name):
            self.effects.parts.add(statement.name)
        for inner in statement.body:
            if isinstance(inner, DEFINITIONS):
                self._add_header(inner)
            elif isinstance(inner, ast.Expr) and not isinstance(inner.value, ast.Constant):
                self._add(inner)

    def _visit_assignment(self, statement: ast.Assign | ast.AnnAssign | ast.AugAssign) -> None:
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        roots = {root for target in targets for root in _roots(target)}
        binds = all(self._is_own(root) for root in roots)
        if not binds:
            self._add(statement)
        elif not self._is_settings:
            value = statement.value
            registers = value is not None and any(self._registers(call) for call in _calls(value))
            self.effects.parts |= roots if registers else roots & CONVENTIONAL

    def _visit_blocks(self, statement: ast.stmt) -> None:
        """A block of passive statements only decides what names stand for.

        A condition that decides which module a name is imported from counts as an effect: imports
        are no definitions that could refer to it.
        """
        inner = _Finder(self._module, self._is_hooked, self._is_settings)
        waiting: list[ast.AST] = [statement]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.If) and not self._is_settings and _imports(node):
                self._add(ast.copy_location(ast.Expr(node.test), node.test))
            if not isinstance(node, ast.stmt) or _is_block(node):
                waiting += blocks(node)
            else:
                inner.visit(node)
        if inner.effects.texts:
            self._add(statement)
        self.effects.parts |= inner.effects.parts

    def _add_header(self, statement: ast.stmt) -> None:
        """Add the decorators that may register a function or a class."""
        for decorator in getattr(statement, "decorator_list", []):
            if self._registers(decorator):
                self.effects.texts.append(getattr(statement, "name", "").encode())
                self._add(ast.copy_location(ast.Expr(decorator), decorator))

    def _add(self, statement: ast.stmt) -> None:
        lines = self._module.text.splitlines()
        self.effects.statements.append(statement)
        self.effects.texts += lines[statement.lineno - 1 : statement.end_lineno]
        self.effects.inside |= references_of(
            statement, self._module.package, lambda _: False
        ).inside

    def _is_own(self, root: str) -> bool:
        """Whether a name stands for a value of this module, rather than for another's."""
        if root in self._module.imported:
            return False
        nodes = self._module.nodes.get(root, [])
        return not any(isinstance(node, DEFINITIONS) for node in nodes)

    def _registers(self, node: ast.expr) -> bool:
        """Whether a decorator or a call may register something."""
        function = node
        while isinstance(function, ast.Call):
            function = function.func
        dotted = dotted_name(function)
        root, dot, rest = dotted.partition(".")
        origins = self._module.imported.get(root, [])
        wholes = [f"{origin}{dot}{rest}" for origin in origins]
        if dotted.rpartition(".")[2] in REGISTERING:
            return not wholes or not all(whole.startswith(TESTING) for whole in wholes)
        if not root:
            # A method of an expression, whose own calls are examined as well.
            return not isinstance(node, ast.Call)
        if not origins:
            return not (hasattr(builtins, root) or self._is_own(root))
        return any(origin.partition(".")[0] not in DEFINING for origin in origins)


def _is_block(statement: ast.stmt) -> bool:
    return isinstance(statement, (ast.If, ast.Try)) and not _is_for_tools(statement)


def _imports(block: ast.If) -> bool:
    """Whether a block imports something if its condition holds, or does not."""
    return any(isinstance(node, (ast.Import, ast.ImportFrom)) for node in walk(blocks(block)))


def _is_passive(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return _is_for_tools(statement) or isinstance(
        statement, (ast.Import, ast.ImportFrom, ast.Pass, ast.Global)
    )


def _is_for_tools(statement: ast.stmt) -> bool:
    """Whether a block runs only in a type checker, or when its module is the program."""
    if not isinstance(statement, ast.If) or statement.orelse:
        return False
    names = {dotted_name(node) for node in ast.walk(statement.test)}
    return bool(names & {"TYPE_CHECKING", "typing.TYPE_CHECKING"}) or (
        isinstance(statement.test, ast.Compare) and "__name__" in names
    )


def _roots(target: ast.expr) -> Iterator[str]:
    """The names that an assignment to this target binds, or whose values it changes."""
    if isinstance(target, (ast.Tuple, ast.List)):
        for element in target.elts:
            yield from _roots(element)
        return
    while isinstance(target, (ast.Attribute, ast.Subscript, ast.Starred)):
        target = target.value
    yield target.id if isinstance(target, ast.Name) else ""


def _calls(node: ast.AST) -> Iterable[ast.Call]:
    return (inner for inner in ast.walk(node) if isinstance(inner, ast.Call))
