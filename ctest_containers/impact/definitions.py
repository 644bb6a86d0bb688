"""Makes the nodes of definitions from the sources of a project."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from ctest_containers.impact.calls import Calls
from ctest_containers.impact.effects import DEFINING, Effects, effects_of
from ctest_containers.impact.lookups import Families, looked_up
from ctest_containers.impact.nodes import (
    ANYTHING,
    CALLS,
    IMPORT,
    MIGRATIONS,
    SETTING,
    VARIABLE,
    Node,
)
from ctest_containers.impact.state import keeps_state
from ctest_containers.recording.digests import MISSING, digest_of
from ctest_containers.recording.module import WHOLE, Module
from ctest_containers.recording.references import (
    FUNCTIONS,
    References,
    dotted_name,
    variables_of,
)
from ctest_containers.recording.sources import Definition, Sources, settings_in

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
        models: The classes of models.
    """

    hooked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    settings: frozenset[str] = frozenset()
    skipped: tuple[str, ...] = ()
    models: frozenset[Definition] = frozenset()
    families: Families = field(default_factory=Families)


@dataclass
class Definitions:
    """Makes nodes; what the names of a definition stand for is looked up once.

    Args:
        is_shared: Whether modules keep objects of a class in their names.
        hooked: The classes of a module that may register themselves; None if that is unknown.
    """

    sources: Sources
    hints: Hints
    is_shared: Callable[[Definition], bool]
    hooked: Callable[[str], Collection[str] | None]
    _effects: dict[str, Effects] = field(default_factory=dict)
    _targets: dict[Definition, tuple[list[Target], set[str]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._calls = Calls(self.sources, targets=self._everything_of, family=self.family_of)

    def is_own(self, name: str) -> bool:
        """Whether a module is the project's, and its definitions are nodes."""
        module = self.sources.find(name)
        return module is not None and not module.is_installed

    def effects(self, name: str) -> Effects:
        """What a module does when it is imported."""
        if name not in self._effects:
            module = self.sources.find(name)
            hooked = self.hooked(name)
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

    def node(self, module: Module, part: str) -> Node:
        """Make the node of a definition."""
        if part == ANYTHING:
            return Node(digest_of(module.text))
        if part == IMPORT:
            return self._import(module)
        if part.endswith(CALLS):
            return Node("", self._calls.of((module.name, part.removesuffix(CALLS))))
        text = module.text_of(part)
        if text is None:
            return Node(MISSING)
        targets = sorted(self._targets_of(module, part))
        names = [*self._bindings(module, module.references(part))]
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
        own |= self._looked_up(module, module.references(part), module.nodes_of(part))
        if not module.is_function(part):
            own |= self._deleted(targets)
        if any(b"django.db.migrations" in name for name in names):
            own.add(MIGRATIONS)
        if module.is_function(part) or self._functions(module, part):
            if self._keeps((module.name, part)):
                own.add((module.name, part + CALLS))
        else:
            own |= self._kept_methods(module, part)
        return Node(digest, tuple(sorted(own - {(module.name, part)})))

    def _import(self, module: Module) -> Node:
        effects = self.effects(module.name)
        used = References(frozenset(effects.inside), frozenset())
        targets = sorted(self.own(self.sources.targets(module, used)))
        content = (*effects.texts, *map(str.encode, sorted(effects.parts)))
        digest = digest_of(
            b"\0".join((*content, *map(_encoded, targets), *self._bindings(module, used)))
        )
        own = {(other, part) for other, part, is_function in targets if not is_function}
        own |= {(module.name, part) for part in effects.parts}
        own |= {("", SETTING + name) for name in settings_in(module, used)}
        for statement in effects.statements:
            own |= {("", VARIABLE + name) for name in variables_of(statement)}
            own |= self._looked_up(module, used, [statement])
        return Node(digest, tuple(sorted(own)))

    def _everything_of(self, module: Module, part: str) -> Iterator[Definition]:
        """What a definition refers to or looks up, functions that it may call included."""
        yield from ((other, name) for other, name, _ in self._targets_of(module, part))
        found = self._looked_up(module, module.references(part), module.nodes_of(part))
        yield from filter(lambda definition: definition[0], found)

    def _looked_up(
        self, module: Module, used: References, nodes: Iterable[ast.AST]
    ) -> set[Definition]:
        """What statements look up by a name, or among all classes."""
        found = looked_up(self.sources, self.hints.families, module, used, nodes)
        return {kind for kind in found if not kind[0] or self._counts(kind)}

    def _deleted(self, targets: Iterable[Target]) -> set[Definition]:
        """Functions that a module deletes, so that it is not seen that they have run."""
        deleted: set[Definition] = set()
        for other, name, is_function in targets:
            module = self.sources.find(other)
            if is_function and module is not None and name in module.deleted:
                deleted |= {(other, name), (other, name + CALLS)}
        return deleted

    def family_of(self, definition: Definition) -> Iterator[Definition]:
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
                listed = list(self.own(self.sources.references(key)))
            finally:
                self.sources.asked = before
            self._targets[key] = listed, asked
        targets, asked = self._targets[key]
        if self.sources.asked is not None:
            self.sources.asked |= asked
        return targets

    def own(self, references: Iterable[tuple[Definition, bool | None]]) -> Iterator[Target]:
        """Yield those of these references that are the project's."""
        for (other, name), is_called in references:
            if self._counts((other, name)):
                yield other, name, is_called is not None

    def _counts(self, definition: Definition) -> bool:
        return self.is_own(definition[0]) and not definition[0].startswith(self.hints.skipped)

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
        for base, name in self.family_of((module.name, part)):
            found = self.sources.find(base)
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
        module = self.sources.find(definition[0])
        if module is None:
            return False
        owner = definition[1].rpartition(".")[0]
        is_method = bool(owner) and module.is_class(owner)
        is_shared = is_method and self.is_shared((module.name, owner))
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


def _encoded(target: tuple[str, str, bool]) -> bytes:
    name, part, is_function = target
    return f"{name}:{part}{CALLS if is_function else ''}".encode()
