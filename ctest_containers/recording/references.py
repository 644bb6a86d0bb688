"""Finds the names that a part of a module uses."""

from __future__ import annotations

import ast
import functools
import importlib.util
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS: Final = (*FUNCTIONS, ast.ClassDef)

BLOCKS: Final = ("body", "handlers", "orelse", "finalbody", "cases")
"""Fields of statements that contain other statements."""

WITHOUT_NODES: Final = frozenset(
    {"arg", "attr", "conversion", "ctx", "id", "kind", "level", "op", "ops"}
)
"""Fields of nodes that contain no nodes, or only operators and the like."""

READING: Final = ("environ.get", "environ.setdefault", "environ.pop", "getenv")
"""Suffixes of the names of functions and mappings that read an environment variable."""


@dataclass(frozen=True)
class References:
    """The dotted names that a definition uses.

    Attributes:
        inside: Names of its module.
        imported: Full names of what it imports itself.
        passed: Names of `inside` that a statement only passes to functions of Django.
        called: Names of `inside` and `imported` that it calls itself.
    """

    inside: frozenset[str]
    imported: frozenset[str]
    passed: frozenset[str] = frozenset()
    called: frozenset[str] = frozenset()


def references_of(
    statement: ast.stmt, package: str, is_django_s: Callable[[str], bool]
) -> References:
    """The names that a statement uses.

    Args:
        is_django_s: Whether what its module calls by a name is Django's, such as
            `migrations.RunPython`: that does not call a function that it gets at once.
    """
    used: set[str] = set()
    passed: set[str] = set()
    called: set[str] = set()
    own: set[str] = set()
    shared: set[str] = set()
    imports: list[ast.AST] = []
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Constant):
            continue
        if isinstance(node, ast.Call):
            called.add(dotted_name(node.func))
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            imports.append(node)
        elif isinstance(node, (ast.Name, ast.Attribute)) and (dotted := dotted_name(node)):
            used.add(dotted)
            if isinstance(getattr(node, "ctx", None), ast.Store):
                own.add(dotted)
        elif isinstance(statement, ast.ClassDef) and isinstance(node, FUNCTIONS):
            # A method that runs is a separate definition.
            waiting += node.decorator_list
        elif isinstance(node, ast.Call) and is_django_s(dotted_name(node.func)):
            waiting.append(node.func)
            for argument in _elements([*node.args, *(keyword.value for keyword in node.keywords)]):
                if dotted := dotted_name(argument):
                    passed.add(dotted)
                else:
                    waiting.append(argument)
        else:
            if isinstance(node, ast.arg):
                own.add(node.arg)
            elif isinstance(node, (ast.Global, ast.Nonlocal)):
                shared.update(node.names)
            waiting += children(node)
    if not isinstance(statement, FUNCTIONS):
        # Names that a statement binds are not uses; its imports are the module's.
        return References(
            frozenset(used | passed),
            frozenset(),
            frozenset(passed - used),
            frozenset(called - {""}),
        )
    used |= passed
    origins = imports_of(imports, package)
    inside: set[str] = set()
    imported: set[str] = set()
    for dotted in used:
        root, dot, rest = dotted.partition(".")
        if root in origins:
            wholes = {f"{origin}{dot}{rest}" for origin in origins[root]}
            imported |= wholes
            called |= wholes if dotted in called else set()
        elif root not in own - shared:
            inside.add(dotted)
    # An unused import may have side effects.
    for origin in _imported_wholes(imports, package):
        if not any(f"{name}.".startswith(f"{origin}.") for name in imported):
            imported.add(origin)
    return References(
        frozenset(inside), frozenset(imported), called=frozenset(called & (inside | imported))
    )


def _elements(nodes: Iterable[ast.AST]) -> list[ast.AST]:
    """These expressions without constants, and with the elements of lists in place of lists."""
    elements: list[ast.AST] = []
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.List, ast.Tuple, ast.Set, ast.Starred, ast.Dict)):
            waiting += [child for child in children(node) if isinstance(child, ast.expr)]
        elif not isinstance(node, ast.Constant):
            elements.append(node)
    return elements


def imports_of(nodes: Iterable[ast.AST], package: str) -> dict[str, list[str]]:
    """The origins of names that these statements import."""
    imports: dict[str, list[str]] = defaultdict(list)
    for node in _imports(nodes):
        if isinstance(node, ast.Import):
            for alias in node.names:
                top = alias.name.partition(".")[0]
                imports[alias.asname or top].append(alias.name if alias.asname else top)
        elif isinstance(node, ast.ImportFrom) and (source := _source(node, package)):
            for alias in node.names:
                whole = source if alias.name == "*" else f"{source}.{alias.name}"
                imports[alias.asname or alias.name].append(whole)
    return imports


def imported_by(nodes: Iterable[ast.AST], package: str) -> Iterator[str]:
    """The full names that these statements import, of modules and of what is in them."""
    for node in _imports(nodes):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (source := _source(node, package)):
            yield from (f"{source}.{alias.name}".removesuffix(".*") for alias in node.names)


def variables_of(statement: ast.stmt) -> Iterator[str]:
    """The environment variables that a statement reads by name."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript) and dotted_name(node.value).endswith("environ"):
            name: ast.AST = node.slice
        elif isinstance(node, ast.Call) and node.args and dotted_name(node.func).endswith(READING):
            name = node.args[0]
        elif isinstance(node, ast.Compare) and dotted_name(node.comparators[0]).endswith("environ"):
            name = node.left
        else:
            continue
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def walk(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """All nodes except those inside functions and classes."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, DEFINITIONS):
            waiting += children(node)


def children(node: ast.AST) -> list[ast.AST]:
    """The nodes directly inside a node, as `ast.iter_child_nodes`, without those of operators."""
    nodes: list[ast.AST] = []
    for name in _fields_with_nodes(type(node)._fields):
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            nodes.append(value)
        elif type(value) is list:
            nodes += [child for child in value if isinstance(child, ast.AST)]
    return nodes


def blocks(node: ast.AST) -> list[ast.AST]:
    """The statements directly inside a statement, with handlers of exceptions and cases."""
    return [inner for name in BLOCKS for inner in getattr(node, name, ())]


@functools.cache
def _fields_with_nodes(fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in fields if name not in WITHOUT_NODES)


def _imports(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The import statements, except those inside functions and classes."""
    waiting = list(nodes)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            yield node
        elif not isinstance(node, DEFINITIONS):
            waiting += blocks(node)


def _source(node: ast.ImportFrom, package: str) -> str:
    """The name of the module of a `from` import; empty if there is none."""
    with suppress(ImportError):
        name = "." * node.level + (node.module or "")
        return importlib.util.resolve_name(name, package) if node.level else name
    return ""


def _imported_wholes(nodes: Iterable[ast.AST], package: str) -> Iterator[str]:
    """The full names of imports."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (source := _source(node, package)):
            for alias in node.names:
                yield source if alias.name == "*" else f"{source}.{alias.name}"


def dotted_name(node: ast.AST) -> str:
    """`a.b.c` for such a chain of attributes; empty for other expressions."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(names)]) if isinstance(node, ast.Name) else ""
