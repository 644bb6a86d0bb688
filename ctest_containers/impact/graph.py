"""The definitions of a project with their digests, and what each of them refers to."""

from __future__ import annotations

import ast
import builtins
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.impact.effects import DEFINING, Effects, effects_of
from ctest_containers.impact.nodes import (
    ANYTHING,
    CALLS,
    IMPORT,
    SETTING,
    VARIABLE,
    ModuleState,
    Node,
)
from ctest_containers.impact.state import keeps_state, own_calls
from ctest_containers.recording.digests import CHANGED, MISSING, digest_of, is_newer, unlike_any
from ctest_containers.recording.module import WHOLE, Module
from ctest_containers.recording.references import DEFINITIONS, FUNCTIONS, References, dotted_name
from ctest_containers.recording.sources import VERSIONED, Definition, Sources

INSTALLED: Final = "installed"
"""The digest of a module of an installed package, whose version is an input."""

TESTS: Final = re.compile(r"(^|\.)(tests?|test_\w+|\w+_tests?)(\.|$)")
"""Matches the names of modules with tests."""

Target = tuple[str, str, bool]
"""A definition to which another one refers, and whether it is a function."""


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What only the loaded project knows about its sources.

    Attributes:
        hooked: The classes, by module, that may register themselves when they are created. Modules
            that are not loaded are missing.
        settings: The modules that define settings.
        skipped: Prefixes of the names of modules that are no inputs, such as migrations.
    """

    hooked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    settings: frozenset[str] = frozenset()
    skipped: tuple[str, ...] = ()


@dataclass
class Graph:
    """Nodes, which are made when they are reached.

    Args:
        modules: The names of all modules that the project has loaded.
        since: Modules that changed later have digests that equal no other; in seconds since the
            epoch, None if all of them count.
        recorded: The nodes of an earlier recording. Those of modules that are as they were are
            taken from it, so that few modules have to be parsed.
        states: What they were made from, by the names of modules.

    Attributes:
        asked: The modules that were searched for each module's nodes.
    """

    sources: Sources
    hints: Hints = field(default_factory=Hints)
    modules: Collection[str] = ()
    since: float | None = None
    recorded: Mapping[Definition, Node] = field(default_factory=dict)
    states: Mapping[str, ModuleState] = field(default_factory=dict)
    nodes: dict[Definition, Node] = field(default_factory=dict)
    asked: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    _digests: dict[str, str] = field(default_factory=dict)
    _effects: dict[str, Effects] = field(default_factory=dict)
    _targets: dict[Definition, tuple[list[Target], set[str]]] = field(default_factory=dict)
    _same: dict[str, bool] = field(default_factory=dict)
    _settled: dict[str, bool] = field(default_factory=dict)
    _shared: dict[str, set[Definition]] | None = None
    _shared_of: dict[str, set[Definition]] | None = None

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
        return bool(self._effects_of(name))

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
            elif self.since is not None and is_newer(module.file, self.since):
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

    def is_own(self, name: str) -> bool:
        """Whether a module is the project's, and its definitions are nodes."""
        module = self._find(name)
        return module is not None and not module.is_installed

    def _find(self, name: str) -> Module | None:
        return self.sources.find(name)

    def _effects_of(self, name: str) -> Effects:
        """What a module does when it is imported."""
        if name not in self._effects:
            module = self._find(name)
            hooked = self._hooked(name)
            self._effects[name] = (
                Effects()
                if module is None or module.is_installed or name.startswith(self.hints.skipped)
                else effects_of(
                    module,
                    is_hooked=lambda part: hooked is None or part in hooked,
                    is_settings=name in self.hints.settings,
                )
            )
        return self._effects[name]

    def _hooked(self, name: str) -> Collection[str] | None:
        state = self.states.get(name)
        if (hooked := self.hints.hooked.get(name)) is not None or state is None:
            return hooked
        return state.hooked

    def _node(self, definition: Definition) -> Node:
        name, part = definition
        if not name:
            # Values are compared, not sources.
            return Node("")
        module = self._find(name)
        if module is None:
            is_versioned = name.partition(".")[0] in VERSIONED - {"__main__"}
            return Node(MISSING if part != ANYTHING or is_versioned else unlike_any())
        if (before := self.recorded.get(definition)) is not None and self._is_settled(name):
            return before
        with self.asking(name):
            node = self._plain(module, part)
        is_new = self._digest(name).startswith(CHANGED) and not part.endswith(CALLS)
        return Node(unlike_any(), node.references) if is_new else node

    @contextmanager
    def asking(self, name: str) -> Iterator[None]:
        """Note which modules are searched for the nodes of a module."""
        before, self.sources.asked = self.sources.asked, self.asked[name]
        try:
            yield
        finally:
            self.sources.asked = before

    def _plain(self, module: Module, part: str) -> Node:
        if part == ANYTHING:
            return Node(digest_of(module.text))
        if part == IMPORT:
            return self._import(module)
        if part.endswith(CALLS):
            return self._calls(module, part.removesuffix(CALLS))
        text = module.text_of(part)
        if text is None:
            return Node(MISSING)
        targets = sorted(self._targets_of(module, part))
        names = self._bindings(module, module.references(part))
        digest = digest_of(
            b"\0".join((self._text(module, part, text), *map(_encoded, targets), *names))
        )
        # Functions that run are recorded themselves.
        own: set[Definition] = {
            (other, name)
            for other, name, is_function in targets
            if not is_function or self._keeps((other, name))
        }
        own |= self._values((module.name, part))
        if module.is_function(part) or self._functions(module, part):
            if self._keeps((module.name, part)):
                own.add((module.name, part + CALLS))
        else:
            own |= self._kept_methods(module, part)
        return Node(digest, tuple(sorted(own - {(module.name, part)})))

    def _import(self, module: Module) -> Node:
        effects = self._effects_of(module.name)
        used = References(frozenset(effects.inside), frozenset())
        targets = sorted(self._own(self.sources.targets(module, used)))
        content = (*effects.texts, *map(str.encode, sorted(effects.parts)))
        digest = digest_of(
            b"\0".join((*content, *map(_encoded, targets), *self._bindings(module, used)))
        )
        own = {(other, part) for other, part, is_function in targets if not is_function}
        own |= {(module.name, part) for part in effects.parts}
        return Node(digest, tuple(sorted(own)))

    def _calls(self, module: Module, part: str) -> Node:
        """Everything that a function may call, directly or through others."""
        own: set[Definition] = set()
        for other, name, is_function in self._targets_of(module, part):
            own.add((other, name))
            if is_function:
                own.add((other, name + CALLS))
        owner = part.rpartition(".")[0]
        for node in self._functions(module, part):
            for attribute in own_calls(node):
                for base in self._family_of((module.name, owner)):
                    method = f"{base[1]}.{attribute}"
                    defining = self._find(base[0])
                    if defining is not None and method in defining.nodes:
                        own |= {(base[0], method), (base[0], method + CALLS)}
        return Node("", tuple(sorted(own)))

    def _family_of(self, definition: Definition) -> Iterator[Definition]:
        """A class and its bases in the project."""
        seen: set[Definition] = set()
        waiting = [definition]
        while waiting:
            kind = waiting.pop()
            module = self._find(kind[0])
            if kind in seen or module is None or module.is_installed:
                continue
            seen.add(kind)
            if module.is_class(kind[1]):
                yield kind
                waiting += [
                    (other, part)
                    for other, part, function in self._targets_of(module, kind[1])
                    if not function
                ]

    def _targets_of(self, module: Module, part: str) -> list[Target]:
        """The definitions in the project to which one refers."""
        key = module.name, part
        if key not in self._targets:
            asked: set[str] = set()
            before, self.sources.asked = self.sources.asked, asked
            try:
                listed = list(self._own(self.sources.references(key)))
            finally:
                self.sources.asked = before
            self._targets[key] = listed, asked
        targets, asked = self._targets[key]
        if self.sources.asked is not None:
            self.sources.asked |= asked
        return targets

    def _own(self, references: Iterable[tuple[Definition, bool | None]]) -> Iterator[Target]:
        for (other, name), is_called in references:
            if self.is_own(other) and not other.startswith(self.hints.skipped):
                yield other, name, is_called is not None

    @staticmethod
    def _bindings(module: Module, used: References) -> Iterator[bytes]:
        """What the names stand for that a definition uses."""
        for root in sorted({dotted.partition(".")[0] for dotted in used.inside}):
            origins = module.imported.get(root, [])
            if not origins and root not in module.nodes and not hasattr(builtins, root):
                origins = module.stars
            yield f"{root}={','.join(sorted(origins))}".encode()
        yield from (f"import {origin}".encode() for origin in sorted(used.imported))

    def _text(self, module: Module, part: str, text: bytes) -> bytes:
        """The text of a definition; for a class, with the decorators of its methods."""
        kinds = [node for node in module.nodes.get(part, []) if isinstance(node, ast.ClassDef)]
        if not kinds:
            return text
        lines = text.splitlines()
        methods = [node for kind in kinds for node in kind.body if isinstance(node, FUNCTIONS)]
        tests = {node.name for node in methods if node.name.startswith("test")}
        if tests and TESTS.search(module.name):
            # They do not count for one another, unless one decides whether another is inherited.
            for name in tests - self._inherited(module, part, kinds):
                lines = [line for line in lines if line != name.encode()]
            methods = [node for node in methods if node.name not in tests]
        for node in methods:
            lines += [ast.unparse(decorator).encode() for decorator in node.decorator_list]
        return b"\n".join(lines)

    def _inherited(self, module: Module, part: str, kinds: Iterable[ast.ClassDef]) -> set[str]:
        """The names of methods that a class may inherit from others in the project."""
        names: set[str] = set()
        for base, name in self._family_of((module.name, part)):
            found = self._find(base)
            if (base, name) != (module.name, part) and found is not None:
                inner = (path.rpartition(".") for path in found.nodes)
                names |= {last for owner, _, last in inner if owner == name}
        for kind in kinds:
            for base_ in kind.bases:
                root = dotted_name(base_).partition(".")[0]
                origins = module.imported.get(root, [])
                tops = {origin.partition(".")[0] for origin in origins}
                if any(top not in DEFINING and not self.is_own(top) for top in tops):
                    names |= {node.name for node in kind.body if isinstance(node, FUNCTIONS)}
        return names

    def _values(self, definition: Definition) -> set[Definition]:
        """The settings and environment variables that a definition reads by name."""
        return {("", SETTING + name) for name in self.sources.settings(definition)} | {
            ("", VARIABLE + name) for name in self.sources.variables(definition)
        }

    @staticmethod
    def _functions(module: Module, part: str) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        nodes = module.nodes.get(part, []) if part != WHOLE else []
        return [node for node in nodes if isinstance(node, FUNCTIONS)]

    def _keeps(self, definition: Definition) -> bool:
        """Whether a function may keep something from one test for another."""
        module = self._find(definition[0])
        if module is None:
            return False
        owner = definition[1].rpartition(".")[0]
        is_method = bool(owner) and module.is_class(owner)
        is_shared = is_method and (module.name, owner) in self._own_shared(module.name)
        return any(
            keeps_state(node, is_shared=is_shared, is_method=is_method)
            for node in self._functions(module, definition[1])
        )

    def _kept_methods(self, module: Module, part: str) -> set[Definition]:
        """The methods of a class whose answers are kept, so that they need not run again."""
        own: set[Definition] = set()
        for node in module.nodes.get(part, []):
            if isinstance(node, ast.ClassDef):
                methods = {
                    (module.name, f"{part}.{method.name}")
                    for method in node.body
                    if isinstance(method, FUNCTIONS) and method.decorator_list
                }
                own |= {method for method in methods if self._keeps(method)}
        return own

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
        module = self._find(name)
        shared: set[Definition] = set()
        if module is None or module.is_installed:
            return shared
        with self.asking(name):
            for part, nodes in module.nodes.items():
                if "." in part or any(isinstance(node, DEFINITIONS) for node in nodes):
                    continue
                called = References(module.references(part).called, frozenset())
                for other, kind, is_function in self._own(self.sources.targets(module, called)):
                    if not is_function:
                        shared |= set(self._family_of((other, kind)))
        return shared


def _encoded(target: tuple[str, str, bool]) -> bytes:
    name, part, is_function = target
    return f"{name}:{part}{CALLS if is_function else ''}".encode()
