"""Mutations of Python code: constants, operators, conditions, statements, decorators, imports."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from typing import Final

from harness.mutants.model import Mutation

Variant = tuple[str, str]
"""New code, and words about it where the code does not say enough."""

OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Div,
    ast.Mod: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}

COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}

REMOVABLE: Final = (
    *(ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Delete, ast.Raise, ast.Assert),
    *(ast.If, ast.For, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
)


def python_mutations(path: str, source: bytes, kind: str = "") -> Iterator[Mutation]:
    """All mutations of a module.

    Args:
        path: The module's file, relative to the project's folder.
        kind: The kind of all of them; empty if it depends on what they change.
    """
    yield from _Enumeration(path, source, kind).of_body(ast.parse(source), "constants")


class _Enumeration:
    """Enumerates the mutations of a module."""

    def __init__(self, path: str, source: bytes, fixed: str) -> None:
        self.path, self.source, self.fixed = path, source, fixed
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def of_body(self, node: ast.AST, kind: str) -> Iterator[Mutation]:
        """Those of the statements and expressions in a node."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                yield from self.of_statement(child, kind)
            elif isinstance(child, ast.expr):
                yield from self.of_expression(child, kind)
            else:
                yield from self.of_body(child, kind)

    def of_statement(self, node: ast.stmt, kind: str) -> Iterator[Mutation]:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            if getattr(node, "module", "") != "__future__" and self.fixed != "migrations":
                yield from self.variants(node, "imports", _imports(node))
            return
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return
        if isinstance(node, ast.Return) and node.value is not None:
            yield from self.variants(node, kind, [("return None", "")])
        if isinstance(node, REMOVABLE):
            begin = min(
                (decorator.lineno for decorator in getattr(node, "decorator_list", ())),
                default=node.lineno,
            )
            yield self.made(
                kind, (self.starts[begin - 1] + node.col_offset, self.end(node)), "pass"
            )
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from self.of_decorators(node, "classes")
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                yield from self.of_expression(default, "functions")
            inner = "tests" if node.name.startswith("test") else "functions"
            for statement in node.body:
                yield from self.of_statement(statement, inner)
        elif isinstance(node, ast.ClassDef):
            yield from self.of_decorators(node, "classes")
            for statement in node.body:
                yield from self.of_statement(statement, "classes")
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield from self.of_expression(node.value, kind)
        else:
            yield from self.of_body(node, kind)

    def of_decorators(self, node: ast.stmt, kind: str) -> Iterator[Mutation]:
        for decorator in getattr(node, "decorator_list", ()):
            begin = self.source.rindex(b"@", 0, self.begin(decorator))
            yield self.made(kind, (begin, self.end(decorator)), "")
            yield from self.of_expression(decorator, kind)

    def of_expression(self, node: ast.expr, kind: str) -> Iterator[Mutation]:
        yield from self.variants(node, kind, _expressions(node))
        if not isinstance(node, ast.JoinedStr):
            yield from self.of_body(node, kind)

    def variants(
        self, node: ast.expr | ast.stmt, kind: str, variants: Sequence[Variant]
    ) -> Iterator[Mutation]:
        for code, words in variants:
            yield self.made(kind, (self.begin(node), self.end(node)), code, words)

    def begin(self, node: ast.expr | ast.stmt) -> int:
        return self.starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.end_lineno - 1] + node.end_col_offset

    def made(self, kind: str, span: tuple[int, int], code: str, words: str = "") -> Mutation:
        before = self.source[slice(*span)].decode()
        line = self.source.count(b"\n", 0, span[0]) + 1
        return Mutation(
            kind=kind if kind == "imports" else self.fixed or kind,
            path=self.path,
            words=f"{line}: {words or f'{_short(before)} → {_short(code)}'}",
            text=code,
            span=span,
        )


def _short(code: str) -> str:
    words = " ".join(code.split())
    return f"`{words if len(words) <= 50 else words[:47] + '...'}`"


def _expressions(node: ast.expr) -> list[Variant]:
    """The variants of an expression, without those of its parts."""
    changed = copy.deepcopy(node)
    variants: list[ast.expr] = []
    match changed:
        case ast.Constant():
            return _constants(changed.value)
        case ast.BinOp() if type(changed.op) in OPERATORS:
            changed.op = OPERATORS[type(changed.op)]()
            variants.append(changed)
        case ast.Compare() if type(changed.ops[0]) in COMPARISONS:
            changed.ops[0] = COMPARISONS[type(changed.ops[0])]()
            variants.append(changed)
        case ast.BoolOp():
            changed.op = ast.Or() if isinstance(changed.op, ast.And) else ast.And()
            variants.append(changed)
        case ast.UnaryOp(op=ast.Not()):
            variants.append(changed.operand)
        case ast.IfExp():
            changed.body, changed.orelse = changed.orelse, changed.body
            variants.append(changed)
        case ast.Call() if changed.keywords:
            for number, keyword in enumerate(changed.keywords):
                fewer = copy.deepcopy(changed)
                del fewer.keywords[number]
                words = f"without `{ast.unparse(keyword)}`"
                return [(ast.unparse(fewer), words if len(words) < 60 else "")]
        case ast.List() | ast.Tuple() if isinstance(changed.ctx, ast.Load):
            return _sequences(changed)
    return [(f"({ast.unparse(variant)})", "") for variant in variants]


def _constants(value: object) -> list[Variant]:
    match value:
        case bool():
            return [(repr(not value), "")]
        case int() | float():
            return [(f"({value + 1!r})", "")]
        case str():
            return [(repr(value + "x"), "")]
    return []


def _sequences(node: ast.List | ast.Tuple) -> list[Variant]:
    """Without each of its elements, and with each pair of neighbours the other way round."""
    variants = []
    for number, element in enumerate(node.elts):
        fewer = copy.deepcopy(node)
        del fewer.elts[number]
        variants.append((ast.unparse(fewer), f"without {_short(ast.unparse(element))}"))
        if number:
            swapped = copy.deepcopy(node)
            swapped.elts[number - 1 : number + 1] = swapped.elts[number - 1 : number + 1][::-1]
            variants.append((ast.unparse(swapped), f"{_short(ast.unparse(element))} moves up"))
    return variants


def _imports(node: ast.Import | ast.ImportFrom) -> list[Variant]:
    """Without the statement, and with None instead of each of its names."""
    variants = [("pass", "")]
    for number, alias in enumerate(node.names):
        if alias.name == "*":
            continue
        fewer = copy.deepcopy(node)
        del fewer.names[number]
        name = (alias.asname or alias.name).partition(".")[0]
        parts = [ast.unparse(fewer)] if fewer.names else []
        variants.append(("; ".join([*parts, f"{name} = None"]), ""))
    return variants
