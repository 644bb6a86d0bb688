"""Reads the text of a project's own code, of just what is used of it, and imports none of it.

What is installed beside the project counts as its own; Python and Django do not.
"""

from __future__ import annotations

import ast
import importlib.util
import sysconfig
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

WHOLE: Final = ""
"""Stands for all that is in a module, where it is not known what of it is used."""

VERSIONED: Final = frozenset({"django", "ctest_containers", "__main__"})
"""Packages whose versions are inputs, or that decide nothing, and the program that was started."""

INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
"""Folders that may be inside that of Python's own modules."""

DEFINING: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(slots=True)
class OwnCode:
    """The modules that have been read, each once."""

    _modules: dict[str, _Module | None] = field(default_factory=dict)

    def texts(self, names: Iterable[str]) -> dict[str, bytes]:
        """The text of what has these dotted names, and of what that names in its module.

        It is by the name of each module. What a module has itself imported is looked for where it
        comes from; of a module that is named, and of one where a name is not found, all counts.
        """
        used: dict[str, set[str]] = {}
        waiting = list(names)
        while waiting:
            module, name = self._split(waiting.pop())
            if module and name not in used.setdefault(module, set()):
                used[module].add(name)
                waiting += self._origins(module, name)
        found = {module: self._find(module) for module in sorted(used)}
        return {name: one.text_of(used[name]) for name, one in found.items() if one is not None}

    def _split(self, dotted: str) -> tuple[str, str]:
        """The module of a dotted name, and the first part of the rest."""
        parts = dotted.split(".")
        for count in range(len(parts), 0, -1):
            module = ".".join(parts[:count])
            if self._find(module) is not None:
                return module, "".join(parts[count : count + 1])
        return "", WHOLE

    def _origins(self, module: str, name: str) -> Iterator[str]:
        """Where something comes from that is not defined where it is found."""
        found = self._find(module)
        assert found is not None
        if name in found.imported:
            yield found.imported[name]
        elif name and name not in found.bound:
            for star in found.stars:
                other = self._find(star)
                if other is not None and name in other.bound:
                    yield f"{star}.{name}"

    def _find(self, name: str) -> _Module | None:
        if name not in self._modules:
            file = _locate(name)
            self._modules[name] = None if file is None else _Module.read(name, file)
        return self._modules[name]


def parse(text: bytes) -> ast.Module | None:
    """The tree of a module; None if it has none, as it shows when it is imported."""
    with (
        warnings.catch_warnings(),
        suppress(SyntaxError, ValueError, RecursionError, MemoryError),
    ):
        # They are for those who import it, and must not become errors here.
        warnings.simplefilter("ignore")
        return ast.parse(text)
    return None


def source(node: ast.ImportFrom, package: str) -> str:
    """The name of the module from which something is imported; empty where there is none."""
    with suppress(ImportError):
        name = "." * node.level + (node.module or "")
        return importlib.util.resolve_name(name, package) if node.level else name
    return ""


@dataclass(frozen=True, slots=True)
class _Statement:
    """A statement at the top of a module.

    Attributes:
        binds: The names that it gives a meaning, or changes the values of.
        uses: All names in it.
        lines: The numbers of its lines, from 1.
    """

    binds: frozenset[str]
    uses: frozenset[str]
    lines: range

    @classmethod
    def of(cls, node: ast.stmt) -> _Statement:
        """What a statement is about."""
        starts = [one.lineno for one in (node, *getattr(node, "decorator_list", []))]
        return cls(
            binds=frozenset(_bound(node)),
            uses=frozenset(one.id for one in ast.walk(node) if isinstance(one, ast.Name)),
            lines=range(min(starts), (node.end_lineno or 0) + 1),
        )


@dataclass(frozen=True, slots=True)
class _Module:
    """A module that has been read.

    Attributes:
        imported: What its names mean that come from other modules.
        stars: The modules from which it imports all.
        bound: All its names.
    """

    text: bytes
    statements: tuple[_Statement, ...] = ()
    imported: dict[str, str] = field(default_factory=dict)
    stars: tuple[str, ...] = ()
    bound: frozenset[str] = frozenset()

    @classmethod
    def read(cls, name: str, file: Path) -> _Module | None:
        """The module of this name; None if its file cannot be read."""
        try:
            text = file.read_bytes()
        except OSError:
            return None
        tree = parse(text)
        if tree is None:
            return cls(text)
        package = name if file.name == "__init__.py" else name.rpartition(".")[0]
        imports = [
            (source(node, package), one)
            for node in tree.body
            if isinstance(node, ast.ImportFrom)
            for one in node.names
        ]
        statements = tuple(map(_Statement.of, tree.body))
        return cls(
            text=text,
            statements=statements,
            imported={one.asname or one.name: f"{of}.{one.name}" for of, one in imports},
            stars=tuple(of for of, one in imports if one.name == "*"),
            bound=frozenset[str]().union(*(one.binds for one in statements)),
        )

    def text_of(self, names: Iterable[str]) -> bytes:
        """The lines that define some names; all lines where one is not defined in a known way."""
        waiting = list(names)
        if not self.bound.issuperset(waiting):
            return self.text
        wanted: set[str] = set()
        lines: set[int] = set()
        while waiting:
            name = waiting.pop()
            if name not in wanted:
                wanted.add(name)
                for one in self.statements:
                    if name in one.binds:
                        lines.update(one.lines)
                        waiting += one.uses & self.bound
        every = self.text.splitlines(keepends=True)
        return b"".join(every[number - 1] for number in sorted(lines))


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement gives a meaning, or changes the values of."""
    if isinstance(node, DEFINING):
        yield node.name
        return
    for one in ast.walk(node):
        if isinstance(one, DEFINING):
            yield one.name
        elif isinstance(one, ast.alias):
            yield one.asname or one.name.partition(".")[0]
        elif isinstance(getattr(one, "ctx", None), ast.Store):
            yield _root(one)
        elif isinstance(one, ast.Expr) and isinstance(one.value, ast.Call):
            # Such as `ROWS.append(1)`.
            yield _root(one.value.func)


def _root(node: Any) -> str:
    """`a` for `a.b[c].d`; empty for what does not begin with a name."""
    while isinstance(node, (ast.Attribute, ast.Subscript)):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _locate(module: str) -> Path | None:
    """The file of a module of the project's own."""
    top, *parts = module.split(".")
    spec = None
    with suppress(ImportError, ValueError):
        spec = importlib.util.find_spec(top) if top and top not in VERSIONED else None
    if spec is None:
        return None
    file = readable(spec.origin or "")
    folders = list(spec.submodule_search_locations or ())
    for part in parts:
        file, starts = None, [f"{folder}/{part}" for folder in folders]
        folders = starts
        for start in starts:
            if file := readable(f"{start}/__init__.py"):
                folders = [start]
                break
            if file := readable(f"{start}.py"):
                folders = []
                break
    return file if file is not None and file.suffix == ".py" and not _is_python_s(file) else None


def readable(name: str) -> Path | None:
    """The file of this name, if it is one."""
    # Any text may be asked for; it may be too long for a name, or lead where nobody may look.
    with suppress(OSError, ValueError):
        return Path(name) if Path(name).is_file() else None
    return None


def _is_python_s(file: Path) -> bool:
    folder = Path(sysconfig.get_path("stdlib"))
    return file.is_relative_to(folder) and INSTALLED.isdisjoint(file.relative_to(folder).parts)
