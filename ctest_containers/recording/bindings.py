"""Finds the names that a statement binds, or whose values it changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from ctest_containers.recording.references import DEFINITIONS, walk


def bound_by(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement binds, or whose values it changes; without imports."""
    if isinstance(statement, DEFINITIONS):
        yield statement.name
        return
    for node in walk([statement]):
        if isinstance(node, DEFINITIONS):
            yield node.name
        elif isinstance(getattr(node, "ctx", None), ast.Store):
            yield root_of(node)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            # Such as `ROWS.append(1)`.
            yield root_of(node.value.func)


def changed_by_calls(statement: ast.stmt) -> Iterator[str]:
    """The names whose values may be changed by a call in an assignment: `A = ROWS.pop()`."""
    if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        for node in walk([statement]):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                yield root_of(node.func)


def root_of(node: Any) -> str:
    """`a` for `a.b[c].d`; empty if the expression does not begin with a name."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
