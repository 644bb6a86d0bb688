"""The definitions of a project with their digests, and what each of them refers to.

Besides definitions there are nodes for what a module does when it is imported (`IMPORT`), for what
a function calls (a name with `CALLS`), and for settings and environment variables, which have no
module. The digest of a definition covers what its names stand for. As long as it is the same, so
are its references.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.impact.effects import Effects, effects_of
from ctest_containers.impact.state import keeps_state, own_calls
from ctest_containers.recording.digests import MISSING, digest_of, is_newer, unlike_any
from ctest_containers.recording.module import WHOLE, Module
from ctest_containers.recording.references import DEFINITIONS, FUNCTIONS, References
from ctest_containers.recording.sources import VERSIONED, Definition, Sources

IMPORT: Final = "<import>"
"""The part of a module that stands for what it does when it is imported."""

ANYTHING: Final = "*"
"""The part of a module that stands for all of its text: what ran in it is unknown."""

CALLS: Final = "()"
"""Ends the name of what a function calls."""

SETTING, VARIABLE = "setting ", "variable "
"""Begin the names of nodes that have no module."""


@dataclass(frozen=True, slots=True)
class Node:
    """A definition, or something else that may change.

    Attributes:
        digest: Differs if it, or what its names stand for, has changed.
    """

    digest: str
    references: tuple[Definition, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What only the loaded project knows about its sources.

    Attributes:
        is_hooked: Whether a class, by its module and name, may register itself when it is created;
            None if it is not loaded.
        settings: The modules that define settings.
        tests: The classes of tests; their test methods do not count for one another.
        skipped: Prefixes of the names of modules that are no inputs, such as migrations.
    """

    is_hooked: Callable[[Definition], bool | None] = lambda _: False
    settings: frozenset[str] = frozenset()
    tests: frozenset[Definition] = frozenset()
    skipped: tuple[str, ...] = ()


@dataclass
class Graph:
    """Nodes, which are made when they are reached.

    Args:
        modules: The names of all modules that the project has loaded.
        since: Modules that changed later have digests that equal no other; in seconds since the
            epoch, None if all of them count.
        recorded: The nodes of an earlier recording.
    """

    sources: Sources
    hints: Hints = field(default_factory=Hints)
    modules: Collection[str] = ()
    since: float | None = None
    recorded: Mapping[Definition, Node] = field(default_factory=dict)
    nodes: dict[Definition, Node] = field(default_factory=dict)
    _effects: dict[str, Effects] = field(default_factory=dict)
    _shared: set[Definition] | None = None

    def add(self, definitions: Iterable[Definition]) -> None:
        """Add nodes, and everything that they refer to."""
        waiting = list(definitions)
        while waiting:
            definition = waiting.pop()
            if definition not in self.nodes:
                node = self.nodes[definition] = self._node(definition)
                waiting += node.references

    def is_own(self, name: str) -> bool:
        """Whether a module is the project's, and its definitions are nodes."""
        module = self.sources.find(name)
        return module is not None and not module.is_installed

    def effects(self, name: str) -> Effects:
        """What a module does when it is imported."""
        if name not in self._effects:
            module = self.sources.find(name)
            self._effects[name] = (
                Effects()
                if module is None or module.is_installed or name.startswith(self.hints.skipped)
                else effects_of(
                    module,
                    is_hooked=lambda part: self._is_hooked((name, part)),
                    is_settings=name in self.hints.settings,
                )
            )
        return self._effects[name]

    def _is_hooked(self, definition: Definition) -> bool:
        answer = self.hints.is_hooked(definition)
        if answer is None:
            # A run of some tests loads fewer modules than the recorded one.
            before = self.recorded.get((definition[0], IMPORT))
            return before is None or definition in before.references
        return answer

    def _node(self, definition: Definition) -> Node:
        name, part = definition
        if not name:
            # Values are compared, not sources.
            return Node("")
        module = self.sources.find(name)
        if module is None:
            is_versioned = name.partition(".")[0] in VERSIONED - {"__main__"}
            return Node(MISSING if part != ANYTHING or is_versioned else unlike_any())
        if self.since is not None and is_newer(module.file, self.since):
            fresh = self._plain(module, part)
            return Node(unlike_any(), fresh.references)
        return self._plain(module, part)

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
        targets = sorted(self._targets(module, part))
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
        effects = self.effects(module.name)
        used = References(frozenset(effects.inside), frozenset())
        targets = sorted(self._defined(module, used))
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
        for other, name, is_function in self._targets(module, part):
            own.add((other, name))
            if is_function:
                own.add((other, name + CALLS))
        owner = part.rpartition(".")[0]
        for node in self._functions(module, part):
            for attribute in own_calls(node):
                for base in self._family_of((module.name, owner)):
                    method = f"{base[1]}.{attribute}"
                    defining = self.sources.find(base[0])
                    if defining is not None and method in defining.nodes:
                        own |= {(base[0], method), (base[0], method + CALLS)}
        return Node("", tuple(sorted(own)))

    def _family_of(self, definition: Definition) -> Iterator[Definition]:
        """A class and its bases in the project."""
        seen: set[Definition] = set()
        waiting = [definition]
        while waiting:
            kind = waiting.pop()
            module = self.sources.find(kind[0])
            if kind in seen or module is None or module.is_installed:
                continue
            seen.add(kind)
            if module.is_class(kind[1]):
                yield kind
                waiting += [
                    (other, part)
                    for other, part, function in self._targets(module, kind[1])
                    if not function
                ]

    def _targets(self, module: Module, part: str) -> Iterator[tuple[str, str, bool]]:
        """The definitions in the project to which one refers, and whether each is a function."""
        for (other, name), is_called in self.sources.references((module.name, part)):
            if self.is_own(other) and not other.startswith(self.hints.skipped):
                yield other, name, is_called is not None

    def _defined(self, module: Module, used: References) -> Iterator[tuple[str, str, bool]]:
        for (other, name), is_called in self.sources.targets(module, used):
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
        lines: list[bytes] = []
        is_test = (module.name, part) in self.hints.tests
        every = text.splitlines()
        for node in module.nodes.get(part, []):
            if not isinstance(node, ast.ClassDef):
                continue
            for method in node.body:
                if not isinstance(method, FUNCTIONS):
                    continue
                if is_test and method.name.startswith("test"):
                    # `text_of` adds the names of methods as lines.
                    name = method.name.encode()
                    if name in every:
                        every.remove(name)
                    continue
                lines += [ast.unparse(decorator).encode() for decorator in method.decorator_list]
        return b"\n".join([*every, *lines]) if lines or is_test else text

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
        module = self.sources.find(definition[0])
        if module is None:
            return False
        owner = definition[1].rpartition(".")[0]
        is_method = bool(owner) and module.is_class(owner)
        is_shared = is_method and (module.name, owner) in self.shared
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
    def shared(self) -> set[Definition]:
        """The classes of which there are objects that outlive tests: in names of modules."""
        if self._shared is None:
            self._shared = set()
            for name in self.modules:
                if (module := self.sources.find(name)) is not None and self.is_own(name):
                    for part in module.nodes:
                        if "." in part or any(
                            isinstance(node, DEFINITIONS) for node in module.nodes[part]
                        ):
                            continue
                        used = module.references(part)
                        called = References(used.called, frozenset())
                        for other, kind, function in self._defined(module, called):
                            if not function:
                                self._shared |= set(self._family_of((other, kind)))
        return self._shared


def _encoded(target: tuple[str, str, bool]) -> bytes:
    name, part, is_function = target
    return f"{name}:{part}{CALLS if is_function else ''}".encode()


def reached(
    nodes: Mapping[Definition, Node], start: Iterable[Definition], cut: Collection[Definition]
) -> set[Definition]:
    """The nodes that others refer to, directly or through others, without entering some."""
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
