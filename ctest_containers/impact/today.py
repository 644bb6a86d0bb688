"""Computes today's inputs of what the units of a recording have used."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from ctest_containers.fingerprint.state import describe_state
from ctest_containers.impact.environment import (
    CHANGED_BY_TESTS,
    setting_before_tests,
    template_digest,
)
from ctest_containers.impact.graph import Graph
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.loaded import Loaded, loaded_project
from ctest_containers.impact.nodes import (
    IMPORT,
    IMPORTS,
    MIGRATIONS,
    SETTING,
    VARIABLE,
    ModuleState,
    unknown,
)
from ctest_containers.impact.surroundings import Surroundings
from ctest_containers.impact.used import BY_NAME, classes_of_tests, names_of
from ctest_containers.recording import digests
from ctest_containers.recording.digests import guarded, is_newer
from ctest_containers.recording.module import Module
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.sources import Definition, Sources
from ctest_containers.usage.model import BASE, TEST, Function, Usage
from ctest_containers.usage.model import IMPORT as IMPORTED

COMMANDS: Final = tuple(
    f"django.core.management.commands.{name}"
    for name in ("check", "dumpdata", "makemigrations", "migrate", "optimizemigration")
) + tuple(
    f"django.core.management.commands.{name}"
    for name in ("showmigrations", "sqlmigrate", "squashmigrations")
)
"""Commands of Django for which all models and migrations count."""


More: TypeAlias = Callable[[Inputs], Mapping[str, Mapping[str, str]]]


@dataclass(frozen=True, kw_only=True)
class Today:
    """The project as it is now.

    Attributes:
        since: When a run began, in seconds since the epoch: what changed later has digests that
            equal no other, since it is unknown which contents the tests have used. None outside of
            a run.
        fresh: Whether modules had changed since then, when they were read.
        more: Returns what else counts today, by kind and name, with all names of these kinds that
            an earlier recording has.
    """

    paths: PortablePaths
    loaded: Loaded
    sources: Sources = field(default_factory=Sources)
    since: float | None = None
    fresh: dict[str, bool] = field(default_factory=dict)
    more: More = lambda _: {}

    @classmethod
    def here(
        cls, tests: Iterable[type], since: float | None = None, more: More | None = None
    ) -> Today:
        """Return it for the project that this process has loaded.

        Args:
            tests: The classes of its tests.
        """
        paths = PortablePaths.here()
        loaded = loaded_project(paths, tests)
        return cls(paths=paths, loaded=loaded, since=since, more=more or (lambda _: {}))

    @property
    def _surroundings(self) -> Surroundings:
        return Surroundings(self.paths, self.loaded, self.sources, self.since)

    def migrations(self) -> dict[str, str]:
        """Return the digests of the files of migrations, by the names of their modules."""
        return self._surroundings.migrations()

    def graph(self, recorded: Inputs | None = None) -> Graph:
        """Return a graph without nodes.

        Args:
            recorded: The inputs of an earlier recording.
        """
        loaded, before = self.loaded, recorded or Inputs()
        return Graph(
            self.sources, loaded.hints, loaded.modules, self._is_fresh, before.nodes, before.states
        )

    def read(self) -> None:
        """Read the modules that are loaded now, so that it does not count if they change later."""
        for name in self.loaded.modules:
            if (module := self.sources.find(name)) is not None:
                self._is_fresh(module)

    def _is_fresh(self, module: Module) -> bool:
        """Whether a module had changed since the run began, when it was read."""
        if module.name not in self.fresh:
            self.fresh[module.name] = self.since is not None and is_newer(module.file, self.since)
        return self.fresh[module.name]

    def definition_of(self, function: Function) -> Definition:
        """Return the definition of a function that ran.

        If it cannot be known, that is all of its module.
        """
        name, line = function
        module = self.sources.find(name)
        if module is None or module.is_installed:
            return unknown(name)
        if self._is_fresh(module):
            return unknown(name)
        return name, module.function_at(line)

    def named(self, full: str) -> frozenset[Definition]:
        """Return the project's definitions that a full name stands for."""
        if full.startswith(COMMANDS):
            return frozenset({MIGRATIONS})
        if full in self.loaded.tests:
            return frozenset(map(self._existing, self.loaded.tests[full]))
        return frozenset(
            self._existing(definition)
            for definition in self.sources.named(full)
            if self._is_own(definition[0])
        )

    def _named(self, full: str, graph: Graph, before: Inputs | None) -> frozenset[Definition]:
        """The same, from an earlier recording if nothing has changed that decides it."""
        parts = full.split(".")
        tops = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
        top = next((name for name in tops if self.sources.find(name) is not None), "")
        kinds = None if before is None else before.named.get(full)
        if kinds is not None and all(map(graph.is_same, {top, *(name for name, _ in kinds)})):
            return kinds
        with graph.asking(top):
            return self.named(full)

    def _existing(self, definition: Definition) -> Definition:
        """A definition; all of its module if no statement defines it."""
        module = self.sources.find(definition[0])
        exists = module is not None and (not definition[1] or definition[1] in module.nodes)
        return definition if exists else unknown(definition[0])

    def _is_own(self, name: str) -> bool:
        module = self.sources.find(name)
        return module is not None and not module.is_installed

    def _is_function(self, definition: Definition) -> bool:
        module = self.sources.find(definition[0])
        return module is not None and module.is_function(definition[1])

    def inputs(
        self,
        units: Mapping[str, Usage],
        schemas: Mapping[str, Any] | None = None,
        before: Inputs | None = None,
        imported: Collection[str] = (),
    ) -> Inputs:
        """Return the inputs of units, with today's digests.

        Args:
            units: Their usage, with definitions in place of functions.
            schemas: See `Inputs.schemas`.
            before: The inputs of an earlier recording, which save most of the work.
            imported: The names of modules that units of other runs had imported.
        """
        loaded = self.loaded
        names = names_of(units)
        full = names["classes"] | names["lookups"] | loaded.named | set(classes_of_tests(units))
        late = {name.removeprefix(IMPORTED) for name in units if name.startswith(IMPORTED)}
        full |= late
        graph = self.graph(before)
        named = {
            name: kinds for name in sorted(full) if (kinds := self._named(name, graph, before))
        }
        base = self._base(units, named, graph, imported)
        roots = {kind for kinds in named.values() for kind in kinds}
        for kinds in (*loaded.tables.values(), *loaded.models.values()):
            roots |= kinds
        roots |= {(name, IMPORTS) for name in {*loaded.modules, *late, *imported}}
        graph.add([*names["definitions"], *roots, *base])
        others = {kind: self._digests(kind, names[kind]) for kind in BY_NAME}
        others["variables"] |= self._digests("variables", _mentioned(graph, VARIABLE))
        others["settings"] |= self._digests("settings", self.loaded.settings)
        others |= self._surroundings.inputs(
            classes_of_tests(units), (), with_data=bool(names["data"])
        )
        for kind, known in self.more(before or Inputs()).items():
            is_of_test = kind == "items"
            others[kind] = {
                name: digest
                for name, digest in known.items()
                if not is_of_test or TEST + name in units
            }
        return Inputs(
            nodes=graph.nodes,
            states=self._states(graph),
            base=frozenset(base),
            observed=loaded.observed,
            tables=loaded.tables,
            models=loaded.models,
            relations=loaded.relations,
            named=named,
            others=others,
            schemas=schemas or {},
        )

    def today(self, recorded: Inputs) -> Inputs:
        """Return inputs with the same names, and today's digests."""
        graph = self.graph(recorded)
        modules = {name for name in self.loaded.modules if graph.has_effects(name)}
        new = {(name, IMPORT) for name in modules}
        named = {name: self._named(name, graph, recorded) for name in recorded.named}
        kinds = {kind for kinds in named.values() for kind in kinds}
        graph.add([*recorded.nodes, *new, *kinds])
        added = {name for name, part in graph.nodes.keys() - recorded.nodes if part == IMPORTS}
        new |= {(name, IMPORT) for name in added if graph.has_effects(name)}
        others = {
            kind: self._digests(kind, names)
            for kind, names in recorded.others.items()
            if kind in BY_NAME
        }
        others["settings"] |= self._digests("settings", self.loaded.settings)
        others |= self._surroundings.inputs(
            (), recorded.others.get("conftests", {}), with_data="data" in recorded.others
        )
        others |= {kind: dict(known) for kind, known in self.more(recorded).items()}
        return Inputs(
            nodes=graph.nodes,
            base=frozenset({*(kind for kind in recorded.base if kind[1] != IMPORT), *new}),
            observed=self.loaded.observed,
            tables=self.loaded.tables,
            models=self.loaded.models,
            relations=self.loaded.relations,
            named=named,
            others=others,
        )

    def _states(self, graph: Graph) -> dict[str, ModuleState]:
        own = {name for name, _ in graph.nodes if name} | self.loaded.modules
        states = {name: graph.state(name) for name in sorted(own)}
        asked = {other for state in states.values() for other in state.asked}
        return states | {name: graph.state(name) for name in sorted(asked - own)}

    def _base(
        self,
        units: Mapping[str, Usage],
        named: Mapping[str, frozenset[Definition]],
        graph: Graph,
        imported: Collection[str],
    ) -> set[Definition]:
        """The nodes that count for all tests."""
        skipped = self.loaded.hints.skipped
        base: set[Definition] = set()
        existing = {name for name in imported if self.sources.find(name) is not None}
        modules = {*self.loaded.modules, *existing}
        for name, usage in units.items():
            if name == BASE or name.startswith(IMPORTED):
                modules.add(name.removeprefix(IMPORTED))
                base |= usage.definitions
                observed = {kind for full in usage.classes for kind in named.get(full, ())}
                observed |= {kind for full in usage.lookups for kind in named.get(full, ())}
                # Functions that run are recorded themselves.
                base |= {kind for kind in observed if not self._is_function(kind)}
        for full in self.loaded.named:
            # Names of modules are names of apps, for instance.
            kinds = (kind for kind in named.get(full, ()) if kind[1])
            base |= {kind for kind in kinds if not self._is_function(kind)}
        base |= {(name, IMPORT) for name in modules if graph.has_effects(name)}
        base |= {("", SETTING + name) for name in self._read_by_imports(units)}
        return {kind for kind in base if not kind[0].startswith(skipped)}

    def _read_by_imports(self, units: Mapping[str, Usage]) -> Iterator[str]:
        """Yield the project's settings that were read by computed names when it was imported.

        If a module names a setting, what uses its value is known.
        """
        from django.conf import global_settings

        names: set[str] = set()
        for unit, usage in units.items():
            if unit == BASE or unit.startswith(IMPORTED):
                names |= usage.settings
        own = sorted(name for name in names if not hasattr(global_settings, name))
        read = map(self.sources.find, sorted(self.loaded.modules - self.loaded.hints.settings))
        text = b"\n".join(module.text for module in read if module is not None) if own else b""
        for name in own:
            named = rf"settings\s*(\.|,\s*[\"']){name}\b"
            if re.search(named.encode(), text) is None:
                yield name

    def _digests(self, kind: str, names: Collection[str]) -> dict[str, str]:
        look: dict[str, Callable[[str], str]] = {
            **digests.Today(self.paths, self.since).kinds(),
            "templates": lambda name: template_digest(name, self.paths, self.since),
        }
        found = {name: look[kind](name) for name in sorted(names)}
        if kind == "settings":
            for name in CHANGED_BY_TESTS & found.keys():
                text = describe_state(setting_before_tests(name))
                found[name] = guarded("SECRET", self.paths.portable(text))
        return found


def _mentioned(graph: Graph, prefix: str) -> set[str]:
    return {
        part.removeprefix(prefix)
        for module, part in graph.nodes
        if not module and part.startswith(prefix)
    }
