"""Finds everything that a function may call, directly or through others."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping

from ctest_containers.impact.lookups import inside
from ctest_containers.recording.module import WHOLE, Module
from ctest_containers.recording.sources import Definition, Sources


class Calls:
    """Follows calls without running anything.

    A method counts if its class is reached, and something that is reached uses the method's name.
    So does a function of a module that is looked up by its name.

    Args:
        targets: Returns what a definition refers to.
        family: Returns a class and its bases in the project.
    """

    def __init__(
        self,
        sources: Sources,
        *,
        targets: Callable[[Module, str], Iterable[Definition]],
        family: Callable[[Definition], Iterable[Definition]],
    ) -> None:
        self._sources = sources
        self._targets = targets
        self._family = family
        self._attributes: dict[Definition, frozenset[str]] = {}
        self._members: dict[str, Mapping[str, list[Definition]]] = {}

    def of(self, function: Definition) -> tuple[Definition, ...]:
        """Return what a function may call, and what all of that refers to."""
        reached: set[Definition] = set()
        owners: set[Definition] = set()
        names: set[str] = set()
        waiting = [function]
        while waiting:
            while waiting:
                definition = waiting.pop()
                module = self._sources.find(definition[0])
                if definition in reached or module is None:
                    continue
                reached.add(definition)
                owners.update(self._owners(module, definition))
                names |= self._names(module, definition)
                waiting += self._targets(module, definition[1])
            waiting = [
                member
                for owner in owners
                for member in self._members_of(owner)
                if member not in reached and _may_be_called(member, names)
            ]
        return tuple(sorted(reached - {function}))

    def _owners(self, module: Module, definition: Definition) -> Iterable[Definition]:
        """Return the classes and modules whose functions may be called on a definition."""
        if definition[1] == WHOLE:
            return [
                definition,
                *((module.name, path) for path in module.nodes if module.is_class(path)),
            ]
        return self._family(definition)

    def _names(self, module: Module, definition: Definition) -> frozenset[str]:
        """Return the names of attributes that a definition uses."""
        if definition not in self._attributes:
            nodes = inside(module.nodes_of(definition[1]))
            self._attributes[definition] = frozenset(
                node.attr for node in nodes if isinstance(node, ast.Attribute)
            )
        return self._attributes[definition]

    def _members_of(self, owner: Definition) -> list[Definition]:
        """Return the functions that a class, or a module, defines itself."""
        name, part = owner
        module = self._sources.find(name)
        if name not in self._members and module is not None:
            members: dict[str, list[Definition]] = defaultdict(list)
            for path in module.nodes:
                if module.is_function(path):
                    members[path.rpartition(".")[0]].append((name, path))
            self._members[name] = members
        return self._members.get(name, {}).get(part, [])


def _may_be_called(function: Definition, names: Collection[str]) -> bool:
    name = function[1].rpartition(".")[2]
    return name in names or name.startswith("__")
