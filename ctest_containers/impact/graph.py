"""The definitions of a project with their digests, and what each of them refers to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.impact.definitions import Definitions, Hints
from ctest_containers.impact.imports import imports_node
from ctest_containers.impact.nodes import (
    ANYTHING,
    CALLS,
    IMPORT,
    IMPORTS,
    MIGRATIONS,
    SUBCLASSES,
    ModuleState,
    Node,
)
from ctest_containers.recording.digests import CHANGED, MISSING, digest_of, unlike_any
from ctest_containers.recording.locations import VERSIONED
from ctest_containers.recording.module import Module
from ctest_containers.recording.references import DEFINITIONS, References
from ctest_containers.recording.sources import Definition, Sources

INSTALLED: Final = "installed"
"""The digest of a module of an installed package, whose version is an input."""


@dataclass
class Graph:
    """Nodes, which are made when they are reached.

    Args:
        modules: The names of all modules that the project has loaded.
        is_fresh: Whether a module may have changed since it was loaded, so that its digest must
            equal no other.
        recorded: The nodes of an earlier recording. Those of modules that are as they were are
            taken from it, so that few modules have to be parsed.
        states: What they were made from, by the names of modules.

    Attributes:
        asked: The modules that were searched for each module's nodes.
    """

    sources: Sources
    hints: Hints = field(default_factory=Hints)
    modules: Collection[str] = ()
    is_fresh: Callable[[Module], bool] = lambda _: False
    recorded: Mapping[Definition, Node] = field(default_factory=dict)
    states: Mapping[str, ModuleState] = field(default_factory=dict)
    nodes: dict[Definition, Node] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _digests: dict[str, str] = field(default_factory=dict)
    _same: dict[str, bool] = field(default_factory=dict)
    _settled: dict[str, bool] = field(default_factory=dict)
    _shared: dict[str, set[Definition]] | None = None
    _shared_of: dict[str, set[Definition]] | None = None

    def __post_init__(self) -> None:
        self._definitions = Definitions(
            self.sources,
            self.hints,
            is_shared=lambda kind: kind in self._own_shared(kind[0]),
            hooked=self._hooked,
        )

    def add(self, definitions: Iterable[Definition]) -> None:
        """Add nodes, and everything that they refer to."""
        waiting = list(definitions)
        while waiting:
            definition = waiting.pop()
            if definition not in self.nodes:
                node = self.nodes[definition] = self._node(definition)
                waiting += node.references

    def has_effects(self, name: str) -> bool:
        """Whether a module does more than defining names when it is imported."""
        state = self.states.get(name)
        if state is not None and state.hooked is not None and self._is_settled(name):
            return (name, IMPORT) in self.recorded
        return bool(self._definitions.effects(name))

    def state(self, name: str) -> ModuleState:
        """What the nodes of a module were made from."""
        before = self.states.get(name)
        shared = self.shared
        is_settled = before is not None and self._is_settled(name)
        hooked = self.hints.hooked.get(name)
        return ModuleState(
            digest=self._digest(name),
            asked=tuple(
                sorted({*self.asked[name], *(before.asked if is_settled and before else ())})
            ),
            shared=tuple(sorted(shared.get(name, ()))),
            own_shared=tuple(sorted(self._own_shared(name))),
            hooked=None if hooked is None else tuple(sorted(hooked)),
        )

    def _digest(self, name: str) -> str:
        if name not in self._digests:
            module = self.sources.find(name)
            if module is None:
                digest = MISSING
            elif module.is_installed:
                digest = INSTALLED
            elif self.is_fresh(module):
                digest = unlike_any()
            else:
                digest = digest_of(module.text)
            self._digests[name] = digest
        return self._digests[name]

    def is_same(self, name: str) -> bool:
        """Whether a module, and those that were searched for its names, are as they were."""
        if name not in self._same:
            before = self.states.get(name)
            self._same[name] = before is not None and all(
                (state := self.states.get(other)) is not None
                and state.digest == self._digest(other)
                for other in (name, *before.asked)
            )
        return self._same[name]

    def _is_settled(self, name: str) -> bool:
        """Whether the nodes of a module are as they were."""
        if name not in self._settled:
            before, hooked = self.states.get(name), self.hints.hooked.get(name)
            self._settled[name] = (
                before is not None
                and self.is_same(name)
                and set(before.own_shared) == self._own_shared(name)
                # A run of some tests loads fewer modules than the recorded one.
                and (hooked is None or before.hooked is None or hooked == set(before.hooked))
            )
        return self._settled[name]

    def _hooked(self, name: str) -> Collection[str] | None:
        state = self.states.get(name)
        if (hooked := self.hints.hooked.get(name)) is not None or state is None:
            return hooked
        return state.hooked

    def _node(self, definition: Definition) -> Node:
        name, part = definition
        if not name:
            return self._of_environment(part)
        module = self.sources.find(name)
        if module is None:
            is_versioned = name.partition(".")[0] in VERSIONED - {"__main__"}
            return Node(MISSING if part != ANYTHING or is_versioned else unlike_any())
        if (before := self.recorded.get(definition)) is not None and self._is_settled(name):
            return before
        if part == IMPORTS:
            return imports_node(module, self._is_input)
        with self.asking(name):
            node = self._definitions.node(module, part)
        is_new = self._digest(name).startswith(CHANGED) and not part.endswith(CALLS)
        return Node(unlike_any(), node.references) if is_new else node

    def _is_input(self, name: str) -> bool:
        return self._definitions.is_own(name) and not name.startswith(self.hints.skipped)

    def _of_environment(self, part: str) -> Node:
        """The node of something that has no module."""
        if part.startswith(SUBCLASSES):
            subclasses = self.hints.families.subclasses_of(part.removeprefix(SUBCLASSES))
            return Node(digest_of(repr(subclasses)), subclasses)
        # Values are compared, not sources.
        models = self.hints.models if ("", part) == MIGRATIONS else ()
        return Node("", tuple(sorted(models)))

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Note which modules are searched for the nodes of a module."""
        before, self.sources.asked = self.sources.asked, self.asked[name]
        try:
            yield
        finally:
            self.sources.asked = before

    @property
    def shared(self) -> dict[str, set[Definition]]:
        """The classes of which modules keep objects in their names, by the names of modules."""
        if self._shared is None:
            # What is asked for meanwhile has no such classes, which makes no difference to them.
            self._shared = {}
            self._shared = {name: self._shared_by(name) for name in self.modules}
        return self._shared

    def _own_shared(self, name: str) -> set[Definition]:
        """The classes of a module of which any module keeps objects."""
        if self._shared_of is None:
            self._shared_of = defaultdict(set)
            for kinds in self.shared.values():
                for kind in kinds:
                    self._shared_of[kind[0]].add(kind)
        return self._shared_of.get(name, set())

    def _shared_by(self, name: str) -> set[Definition]:
        if self.is_same(name):
            return set(self.states[name].shared)
        module = self.sources.find(name)
        shared: set[Definition] = set()
        if module is None or module.is_installed:
            return shared
        with self.asking(name):
            for part, nodes in module.nodes.items():
                if "." in part or any(isinstance(node, DEFINITIONS) for node in nodes):
                    continue
                called = References(module.references(part).called, frozenset())
                for other, kind, is_function in self._definitions.own(
                    self.sources.targets(module, called)
                ):
                    if not is_function:
                        shared |= set(self._definitions.family_of((other, kind)))
        return shared
