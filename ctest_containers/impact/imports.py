"""Finds modules that the project imports no longer, or only now, because imports were changed.

What such a module registers counts for tests that do not name it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ctest_containers.impact.nodes import IMPORTS, Node, reached
from ctest_containers.recording.digests import digest_of
from ctest_containers.recording.locations import VERSIONED
from ctest_containers.recording.module import Module
from ctest_containers.recording.references import imported_by
from ctest_containers.recording.sources import Definition

Nodes = Mapping[Definition, Node]


def imports_node(module: Module, is_own: Callable[[str], bool]) -> Node:
    """Make the node of what a module imports.

    Args:
        is_own: Whether there is such a module in the project.
    """
    names: set[str] = set()
    for full in imported_by(module.statements, module.package):
        parts = full.split(".")
        if parts[0] not in VERSIONED:
            names |= {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    own = sorted(name for name in names - {module.name} if is_own(name))
    return Node(digest_of("\n".join(own)), tuple((name, IMPORTS) for name in own))


def dropped_imports(before: Nodes, now: Nodes, registers: Callable[[str], bool]) -> Iterator[str]:
    """Yield that modules may not be imported any longer, as a reason for each.

    Args:
        registers: Whether a module registered something, and is not loaded now.
    """
    for (module, _), dropped in _dropped(before, now):
        for name, _ in sorted(reached(before, dropped, ())):
            if registers(name):
                yield f"{module} no longer imports {name}"


def added_imports(before: Nodes, now: Nodes, registers: Callable[[str], bool]) -> Iterator[str]:
    """Yield that modules are imported now which no module imported before, as a reason for each.

    Args:
        registers: Whether a module registers something.
    """
    imported = {other for node in before.values() for other in node.references}
    for _, added in _dropped(now, before):
        for definition in sorted(reached(now, added, ()) - imported):
            if registers(definition[0]):
                yield f"{definition[0]} is imported now"


def _dropped(before: Nodes, now: Nodes) -> Iterator[tuple[Definition, set[Definition]]]:
    """Yield each module that imports less, with what it no longer imports."""
    for definition, node in before.items():
        other = now.get(definition)
        if definition[1] == IMPORTS and other is not None and other.digest != node.digest:
            yield definition, {*node.references} - {*other.references}
