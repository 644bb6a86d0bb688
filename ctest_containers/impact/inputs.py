"""What the tests of a project depend on, with digests, as a recording contains it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from ctest_containers.impact.nodes import ModuleState, Node
from ctest_containers.recording.digests import unlike_any
from ctest_containers.recording.sources import Definition

FORMAT: Final = 3
"""Increases when recordings mean something else."""

SETS: Final = ("base", "observed")
"""The fields of `Inputs` that are sets of nodes."""

MAPS: Final = ("tables", "models", "relations", "named")
"""The fields of `Inputs` that map names to nodes, or to pairs of texts like these."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """The digests of what the units of a recording have used.

    Attributes:
        nodes: Definitions and what they refer to.
        states: What the nodes of each module were made from.
        base: The nodes that count for all tests, with everything that they refer to.
        observed: Classes that count only for tests that are seen to use them, even if something in
            `base` refers to them: models, views, classes of the admin site and of tests.
        tables: The classes of the models that a table in the database belongs to.
        models: The classes of models by their labels.
        relations: See `relations_of`.
        named: The definitions that a full name stands for, such as `shop.models.Order`.
        others: The digests of all other inputs, by kind and name.
        schemas: What the databases contain before the first test, by alias.
        format: The version of the toolkit's rules.
    """

    nodes: Mapping[Definition, Node] = field(default_factory=dict)
    states: Mapping[str, ModuleState] = field(default_factory=dict)
    base: frozenset[Definition] = frozenset()
    observed: frozenset[Definition] = frozenset()
    tables: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    models: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    relations: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    named: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    schemas: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON data: lists, dictionaries, texts and numbers."""
        order: dict[Definition, int] = {}
        named = [
            definition
            for map_ in MAPS
            for kinds in getattr(self, map_).values()
            for definition in kinds
        ]
        for definition in (*self.nodes, *self.base, *self.observed, *named):
            order.setdefault(definition, len(order))
        for node in self.nodes.values():
            for definition in node.references:
                order.setdefault(definition, len(order))
        for state in self.states.values():
            for definition in (*state.shared, *state.own_shared):
                order.setdefault(definition, len(order))

        def numbers(definitions: Iterable[Definition]) -> list[int]:
            return sorted(order[definition] for definition in definitions)

        modules: dict[str, int] = {}
        known = {name: number for number, name in enumerate(self.states)}
        return {
            "format": self.format,
            "names": [[modules.setdefault(module, len(modules)), part] for module, part in order],
            "modules": list(modules),
            "nodes": [[node.digest, numbers(node.references)] for node in self.nodes.values()],
            **{name: numbers(getattr(self, name)) for name in SETS},
            **{
                name: {key: numbers(kinds) for key, kinds in getattr(self, name).items()}
                for name in MAPS
            },
            "states": [
                [
                    name,
                    state.digest,
                    [known[other] for other in state.asked if other in known],
                    numbers(state.shared),
                    numbers(state.own_shared),
                    None if state.hooked is None else list(state.hooked),
                ]
                for name, state in self.states.items()
            ],
            "others": {kind: dict(digests) for kind, digests in self.others.items()},
            "schemas": dict(self.schemas),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Inputs | None:
        """Return the inputs that `to_json` has encoded; None if other rules have made them."""
        try:
            if data["format"] != FORMAT:
                return None
            modules = data["modules"]
            order: list[Definition] = [(modules[number], part) for number, part in data["names"]]
            nodes = {
                order[position]: Node(digest, tuple(order[number] for number in references))
                for position, (digest, references) in enumerate(data["nodes"])
            }
            sets = {name: frozenset(order[number] for number in data[name]) for name in SETS}
            maps = {
                name: {
                    key: frozenset(order[number] for number in numbers)
                    for key, numbers in data[name].items()
                }
                for name in MAPS
            }
            names = [name for name, *_ in data["states"]]
            states = {
                name: ModuleState(
                    digest=digest,
                    asked=tuple(names[number] for number in asked),
                    shared=tuple(order[number] for number in shared),
                    own_shared=tuple(order[number] for number in own_shared),
                    hooked=None if hooked is None else tuple(hooked),
                )
                for name, digest, asked, shared, own_shared, hooked in data["states"]
            }
            rest = {"others": data["others"], "schemas": data["schemas"]}
            return cls(nodes=nodes, states=states, **sets, **maps, **rest)  # type: ignore[arg-type]
        except (KeyError, TypeError, IndexError, ValueError, AttributeError):
            return None

    def merged(self, other: Inputs) -> Inputs:
        """Return the inputs of the units of both; what differs equals nothing, so that it counts.

        Both are of the same checkout, unless a file has changed in between.
        """
        nodes = dict(self.nodes)
        for definition, node in other.nodes.items():
            mine = nodes.get(definition)
            differs = mine is not None and mine.digest != node.digest
            references = {*node.references, *(() if mine is None else mine.references)}
            digest = unlike_any() if differs else node.digest
            nodes[definition] = Node(digest, tuple(sorted(references)))
        return Inputs(
            nodes=nodes,
            states={
                name: state
                for name, state in self.states.items()
                if other.states.get(name) == state
            },
            base=self.base | other.base,
            observed=self.observed & other.observed,
            **{name: _united(getattr(self, name), getattr(other, name)) for name in MAPS},  # type: ignore[arg-type]
            others={
                kind: _merged(self.others.get(kind, {}), other.others.get(kind, {}))
                for kind in {*self.others, *other.others}
            },
            schemas={**self.schemas, **other.schemas},
        )


def _united(
    first: Mapping[str, frozenset[Definition]], second: Mapping[str, frozenset[Definition]]
) -> dict[str, frozenset[Definition]]:
    none: frozenset[Definition] = frozenset()
    return {name: first.get(name, none) | second.get(name, none) for name in {*first, *second}}


def _merged(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, str]:
    differing = {name for name in first if name in second and first[name] != second[name]}
    return {**first, **second, **{name: unlike_any() for name in differing}}
