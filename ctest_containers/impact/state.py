"""Finds functions that keep something from one test for another: caches and other state."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from ctest_containers.recording.references import DEFINITIONS, children, dotted_name

CACHING: Final = frozenset(
    {"cache", "cached", "cached_classproperty", "lru_cache", "memoize", "memoized", "singleton"}
)
"""The last parts of the names of decorators that keep a function's answers."""

CACHING_IN_OBJECTS: Final = frozenset({"cached_property"})
"""The same for those that keep an answer in its object."""

MUTATING: Final = frozenset(
    {
        *("add", "append", "appendleft", "clear", "connect", "decr", "delete", "delete_many"),
        *("discard", "disconnect", "extend", "get_or_set", "incr", "insert", "pop", "popitem"),
        *("push", "put", "register", "remove", "set", "set_many", "setdefault", "touch"),
        *("unregister", "update"),
    }
)
"""Names of methods that change their object."""

CONSTRUCTORS: Final = frozenset({"__init__", "__new__", "__post_init__", "setUp", "setUpTestData"})


def keeps_state(
    function: ast.FunctionDef | ast.AsyncFunctionDef, *, is_shared: bool, is_method: bool
) -> bool:
    """Whether a function may keep something that later tests get.

    Args:
        is_shared: Whether objects of its class outlive tests.
        is_method: Whether its first argument is an object or a class.
    """
    for decorator in function.decorator_list:
        name = dotted_name(decorator.func if isinstance(decorator, ast.Call) else decorator)
        last = name.rpartition(".")[2]
        if last in CACHING or (is_shared and last in CACHING_IN_OBJECTS):
            return True
    arguments = [*function.args.posonlyargs, *function.args.args]
    first = arguments[0].arg if is_method and arguments else ""
    is_of_class = first in {"cls", "klass", "mcs"}
    owner = {first} if first and (is_of_class or is_shared) else set()
    if function.name in CONSTRUCTORS and not is_of_class:
        owner = set()
    nodes = [*_inside(function)]
    return _changes(nodes, _locals(function, nodes) - owner, owner)


def _changes(nodes: Iterable[ast.AST], own: Collection[str], owner: Collection[str]) -> bool:
    """Whether a function changes a value that is none of its local ones."""
    for node in nodes:
        if isinstance(node, (ast.Global, ast.Nonlocal)):
            return True
        if isinstance(node, (ast.Attribute, ast.Subscript)) and isinstance(
            node.ctx, (ast.Store, ast.Del)
        ):
            root = _root(node)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr not in MUTATING and dotted_name(node.func) != "setattr":
                continue
            if ".objects." in f".{dotted_name(node.func)}":
                # Rows are reset between tests.
                continue
            root = _root(node.func)
            if root in owner and _is_name(node.func.value):
                # A method of its own, which is examined itself.
                continue
        elif isinstance(node, ast.Call) and dotted_name(node.func) in {"setattr", "delattr"}:
            root = _root(node.args[0]) if node.args else ""
        else:
            continue
        if root and root not in own:
            return True
    return False


def _inside(function: ast.AST) -> Iterator[ast.AST]:
    waiting = [function]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += children(node)


def _locals(function: ast.AST, nodes: Iterable[ast.AST]) -> set[str]:
    """The names that a function, or one inside of it, binds itself."""
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, DEFINITIONS) and node is not function:  # noqa: SIM114  # Their types differ.
            names.add(node.name)
        elif isinstance(node, ast.ExceptHandler) and node.name is not None:
            names.add(node.name)
    return names


def _is_name(node: ast.expr) -> bool:
    return isinstance(node, ast.Name)


def _root(node: ast.expr) -> str:
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
