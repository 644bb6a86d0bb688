"""The nodes of a graph of definitions, and what was known about modules when they were made.

Besides definitions there are nodes for what a module does when it is imported (`IMPORT`), for what
a function calls (a name with `CALLS`), and for settings and environment variables, which have no
module.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ctest_containers.recording.sources import Definition

IMPORT: Final = "<import>"
"""The part of a module that stands for what it does when it is imported."""

IMPORTS: Final = "<imports>"
"""The part of a module that stands for the modules that it imports."""

ANYTHING: Final = "*"
"""The part of a module that stands for all of its text: what ran in it is unknown."""

CALLS: Final = "()"
"""Ends the name of what a function calls."""

SETTING, VARIABLE = "setting ", "variable "
"""Begin the names of nodes that have no module."""

SUBCLASSES: Final = "subclasses of "
"""Begins the names of nodes that stand for all subclasses of a class, or all classes."""

MIGRATIONS: Final = ("", "migrations")
"""The node that stands for all migrations and all models, which Django compares."""


@dataclass(frozen=True, slots=True)
class Node:
    """A definition, or something else that may change.

    Attributes:
        digest: Differs if it, or what its names stand for, has changed. As long as it is the same,
            so are the references.
    """

    digest: str
    references: tuple[Definition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModuleState:
    """What the nodes of a module were made from.

    Attributes:
        digest: That of its text.
        asked: The modules that were searched for what its names stand for.
        shared: Classes of which it keeps objects in its names.
        own_shared: Its classes of which any module keeps objects in its names.
        hooked: Its classes that may register themselves; None if it was not loaded.
    """

    digest: str
    asked: tuple[str, ...] = ()
    shared: tuple[Definition, ...] = ()
    own_shared: tuple[Definition, ...] = ()
    hooked: tuple[str, ...] | None = None


def unknown(module: str) -> Definition:
    """Return the node of a module in which something unknown has run."""
    return module, ANYTHING


def reached(
    nodes: Mapping[Definition, Node], start: Iterable[Definition], cut: Collection[Definition]
) -> set[Definition]:
    """Return the nodes that others refer to, directly or through others, without entering some."""
    seen: set[Definition] = set()
    waiting = [definition for definition in start if definition not in cut]
    while waiting:
        definition = waiting.pop()
        if definition in seen:
            continue
        seen.add(definition)
        if (node := nodes.get(definition)) is not None:
            waiting += [other for other in node.references if other not in cut]
    return seen
