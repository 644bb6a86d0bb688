"""Finds what code looks up by a name in a text, or among all classes, instead of by its name."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.impact.nodes import SETTING, SUBCLASSES
from ctest_containers.recording.module import WHOLE, Module
from ctest_containers.recording.references import FUNCTIONS, References
from ctest_containers.recording.sources import Definition, Sources, full_names

BY_NAME: Final = frozenset(
    {
        *("__import__", "get_model", "import_from_string", "import_module", "import_string"),
        *("load_object", "locate", "modules", "resolve_name"),
    }
)
"""The last parts of the names of what finds modules, and what is in them, by their names."""

IN_MODULE: Final = frozenset({"__builtins__", "eval", "exec", "globals"})
"""Functions through which code may use everything in its module."""

USER: Final = "get_user_model"

SETTINGS_OBJECT: Final = "django.conf.settings"
"""What `getattr` gets, while settings that are named in the code are attributes of it."""


@dataclass(frozen=True, kw_only=True)
class Families:
    """What names and classes stand for in a loaded project.

    Attributes:
        models: The definitions of models by their labels in lower case.
        user: The definitions of the model of users.
        subclasses: The project's subclasses of each of its classes, by its full name; by an empty
            one, all of its classes.
    """

    models: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    user: frozenset[Definition] = frozenset()
    subclasses: Mapping[str, frozenset[Definition]] = field(default_factory=dict)

    def subclasses_of(self, full: str) -> tuple[Definition, ...]:
        """Return the subclasses of a class in the project; all classes if it has no name."""
        return tuple(sorted(self.subclasses.get(full, ())))


def looked_up(
    sources: Sources, families: Families, module: Module, used: References, nodes: Iterable[ast.AST]
) -> Iterator[Definition]:
    """Yield what statements of a module look up.

    Args:
        used: The names that the statements use.
    """
    names = used.inside | used.imported
    lasts = {name.rpartition(".")[2] for name in names}
    if not lasts.isdisjoint(IN_MODULE):
        yield module.name, WHOLE
    if USER in lasts:
        yield from families.user
    if b"__subclasses__" in module.text:
        yield from _families(sources, module, nodes)
    reads_settings = SETTINGS_OBJECT in full_names(module, used)
    if lasts.isdisjoint(BY_NAME) and not reads_settings:
        return
    texts = {node.value for node in inside(nodes) if isinstance(node, ast.Constant)}
    words = {text for text in texts if isinstance(text, str)}
    if reads_settings:
        yield from (("", SETTING + word) for word in words if word.isupper())
    if lasts.isdisjoint(BY_NAME):
        return
    if "__name__" in names:
        yield module.name, WHOLE
    for text in words:
        yield from _named(sources, module, text)
    lower = {word.lower() for word in words}
    for label, kinds in families.models.items():
        if label in lower or lower.issuperset(label.split(".")):
            yield from kinds


def _named(sources: Sources, module: Module, text: str) -> Iterator[Definition]:
    """Yield what a full name, or one relative to a module, stands for; functions are left out."""
    full = text
    if text.startswith("."):
        with suppress(ImportError):
            full = importlib.util.resolve_name(text, module.package)
    if not all(part.isidentifier() for part in full.split(".")):
        return
    for definition in sources.named(full):
        defining = sources.find(definition[0])
        # Functions that run are recorded themselves.
        if defining is not None and not defining.is_function(definition[1]):
            yield definition


def _families(sources: Sources, module: Module, nodes: Iterable[ast.AST]) -> Iterator[Definition]:
    for node in inside(nodes):
        if not isinstance(node, ast.Attribute) or node.attr != "__subclasses__":
            continue
        owner = ast.unparse(node.value)
        used = References(frozenset({owner}), frozenset())
        owners = [f"{name}.{part}" for (name, part), _ in sources.targets(module, used)]
        yield from (("", SUBCLASSES + full) for full in owners or [""])


def inside(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of statements; of a class without those of its methods."""
    waiting = list(nodes)
    for node in waiting:
        yield node
        inner = ast.iter_child_nodes(node)
        is_class = isinstance(node, ast.ClassDef)
        waiting += [child for child in inner if not (is_class and isinstance(child, FUNCTIONS))]
