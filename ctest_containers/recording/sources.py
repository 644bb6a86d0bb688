"""Finds modules without importing them, and follows what their definitions refer to."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from ctest_containers.recording.locations import VERSIONED, locate
from ctest_containers.recording.module import WHOLE, Module
from ctest_containers.recording.references import References

Answer = TypeVar("Answer")

Definition: TypeAlias = tuple[str, str]
"""The names of a module and of a definition in it."""

ALL: Final = "__all__"
"""The name of a module's list of what imports with `*` take."""

SETTINGS: Final = "django.conf.settings."
"""The prefix of the full names of settings."""


def _remembered(
    method: Callable[[Sources, Definition], Answer],
) -> Callable[[Sources, Definition], Answer]:
    """Caches the answers of a method about definitions, until they may change."""

    @functools.wraps(method)
    def remembered(sources: Sources, definition: Definition) -> Answer:
        key = method.__name__, definition
        if key not in sources.answers:
            sources.answers[key] = method(sources, definition)
        answer: Answer = sources.answers[key]
        return answer

    return remembered


class Sources:
    """The modules that have been read, each once.

    Attributes:
        asked: To this, names of modules are added that are looked for; None to note none.
    """

    def __init__(self) -> None:
        self.asked: set[str] | None = None
        self._modules: dict[str, Module | None] = {}
        # A build asks at each milestone what it has used until then.
        self.answers: dict[tuple[str, Definition], Any] = {}

    def find(self, name: str) -> Module | None:
        """The module with this name; None if it has no source, or is Python's or Django's."""
        if self.asked is not None:
            self.asked.add(name)
        if name not in self._modules:
            file = self._locate(name)
            self._modules[name] = None if file is None else Module.read(name, file)
        return self._modules[name]

    def _locate(self, name: str) -> Path | None:
        """The file of a module, which for most names is found out from its package's."""
        parent, _, last = name.rpartition(".")
        if "." not in parent or name in sys.modules:
            return locate(name)
        package = self.find(parent)
        if package is None or _has_more_folders(package):
            return locate(name)
        folder = package.file.parent / last
        files = (folder / "__init__.py", folder.with_name(f"{last}.py"))
        is_package = package.file.name == "__init__.py"
        return next((file for file in files if file.is_file()), None) if is_package else None

    def look_again(self) -> None:
        """Forget which modules were not found, as they may exist by now."""
        missing = [name for name, module in self._modules.items() if module is None]
        for name in missing:
            del self._modules[name]
        if any(self.find(name) is not None for name in missing):
            # Known modules may refer to them.
            self.answers.clear()

    def named(self, full: str) -> Iterator[Definition]:
        """The definitions that a full name stands for, which begins with that of a module."""
        yield from self._split(full, set())

    def closure(
        self, definitions: Iterable[Definition], *, have_run: bool = False
    ) -> set[Definition]:
        """These definitions, and what they refer to in the project, directly or through others.

        The functions that a function calls are left out: those that run are recorded themselves.
        What a statement calls has run when its module was imported, before anything was recorded.

        Args:
            have_run: Whether functions among the definitions have run before, too.
        """
        reached: set[tuple[Definition, bool]] = set()
        waiting = [(definition, have_run) for definition in definitions]
        while waiting:
            definition, has_run = waiting.pop()
            module = self.find(definition[0])
            if (definition, has_run) in reached or module is None:
                continue
            reached.add((definition, has_run))
            # Installed packages change as a whole.
            if not module.is_installed:
                follows = has_run or not module.is_function(definition[1])
                waiting += [
                    (other, follows)
                    for other, is_called in self.references(definition)
                    if is_called is None or (is_called and follows)
                ]
        return {definition for definition, _ in reached}

    @_remembered
    def settings(self, definition: Definition) -> set[str]:
        """The settings that a definition reads by name."""
        module = self.find(definition[0])
        if module is None:
            return set()
        return settings_in(module, module.references(definition[1]))

    @_remembered
    def calls(self, definition: Definition) -> set[str]:
        """The full names of imported functions that a definition calls."""
        module = self.find(definition[0])
        if module is None:
            return set()
        used = module.references(definition[1])
        return {*(used.called & used.imported), *_wholes(module, used.called)}

    def variables(self, definition: Definition) -> set[str]:
        """The environment variables that a definition reads by name."""
        module = self.find(definition[0])
        return set() if module is None else module.variables(definition[1])

    @_remembered
    def names(self, definition: Definition) -> set[str]:
        """The names, with their modules, that a definition uses for what others define.

        What such a name stands for, after conditional imports and replacements, is decided when
        modules are imported.
        """
        module = self.find(definition[0])
        if module is None or module.is_installed:
            return set()
        names: set[str] = set()
        used = module.references(definition[1])
        for dotted in used.inside:
            root = dotted.partition(".")[0]
            origins = module.imported.get(root, [])
            if module.is_function(root) or any(not _is_versioned(origin) for origin in origins):
                names.add(f"{module.name}.{root}")
        for _, (other, part) in self._defined(module, used):
            if (target := self.find(other)) is not None and target.is_function(part):
                names.add(f"{other}.{part}")
        return names

    def families(self, definitions: Iterable[Definition]) -> set[str]:
        """The names of the classes among definitions, if one of them looks for subclasses."""
        classes: set[str] = set()
        looks = False
        for name, part in definitions:
            if (module := self.find(name)) is not None:
                used = module.references(part)
                looks = looks or any(name.endswith(".__subclasses__") for name in used.inside)
                if module.is_class(part):
                    classes.add(f"{name}.{part}")
        return classes if looks else set()

    @_remembered
    def references(self, definition: Definition) -> list[tuple[Definition, bool | None]]:
        """The definitions to which another one refers.

        With each comes whether it may be called when the other is executed; None where it is no
        function.
        """
        name, part = definition
        module = self.find(name)
        if module is None:
            return []
        references: list[tuple[Definition, bool | None]] = []
        if owner := part.rpartition(".")[0]:
            references.append(((name, owner), True if module.is_function(owner) else None))
        return [*references, *self.targets(module, module.references(part))]

    def targets(self, module: Module, used: References) -> Iterator[tuple[Definition, bool | None]]:
        """The definitions of names that a module uses; see `references`."""
        for dotted, target in self._defined(module, used):
            if (defining := self.find(target[0])) is not None:
                is_called = dotted not in used.passed
                yield target, is_called if defining.is_function(target[1]) else None

    def _defined(self, module: Module, used: References) -> Iterator[tuple[str, Definition]]:
        """The definitions of the names that a definition uses, each with the name."""
        for dotted in used.inside:
            yield from ((dotted, target) for target in self._resolve(module, dotted, set()))
        for dotted in used.imported:
            yield from ((dotted, target) for target in self._split(dotted, set()))

    def _resolve(self, module: Module, dotted: str, seen: set[Definition]) -> Iterator[Definition]:
        """Where something is defined that a module calls by this name, with dots.

        Args:
            seen: Names that were followed on the way here, as imports may be circular.
        """
        root, dot, rest = dotted.partition(".")
        if (module.name, root) in seen:
            return
        seen.add((module.name, root))
        if root in module.nodes:
            yield module.name, root
        origins = module.imported.get(root, [])
        if root not in module.nodes and not origins:
            origins = [f"{star}.{root}" for star in module.stars]
            yield from self._deciding(module.stars, root)
        for origin in origins:
            yield from self._split(f"{origin}{dot}{rest}", seen)

    def _deciding(self, stars: Iterable[str], root: str) -> Iterator[Definition]:
        """The lists of what imports with `*` take from modules that have a name."""
        for star in stars:
            module = self.find(star)
            if (
                module is not None
                and ALL in module.nodes
                and (root in module.nodes or root in module.imported)
            ):
                yield module.name, ALL

    def _split(self, dotted: str, seen: set[Definition]) -> Iterator[Definition]:
        """The definitions of a full name, which begins with that of a module."""
        parts = dotted.split(".")
        if parts[0] in VERSIONED:
            return
        for count in range(len(parts), 0, -1):
            module = self.find(".".join(parts[:count]))
            if module is None:
                continue
            if count == len(parts):
                yield module.name, WHOLE
            else:
                yield from self._resolve(module, ".".join(parts[count:]), seen)
            return


def settings_in(module: Module, used: References) -> set[str]:
    """The settings that code in a module reads by name."""
    wholes = full_names(module, used)
    parts = (name.removeprefix(SETTINGS) for name in wholes if name.startswith(SETTINGS))
    return {name for part in parts if (name := part.partition(".")[0]).isupper()}


def full_names(module: Module, used: References) -> set[str]:
    """The full names of what code in a module uses of what it, or the module, imports."""
    return {*used.imported, *_wholes(module, used.inside)}


def _has_more_folders(package: Module) -> bool:
    """Whether a loaded package looks for its modules elsewhere than in its own folder."""
    path = getattr(sys.modules.get(package.name), "__path__", None)
    return path is not None and [*path] != [str(package.file.parent)]


def _wholes(module: Module, names: Iterable[str]) -> set[str]:
    """The full names of imports that a module calls by these names."""
    return {
        f"{origin}{dot}{rest}"
        for root, dot, rest in (name.partition(".") for name in names)
        for origin in module.imported.get(root, [])
    }


def _is_versioned(name: str) -> bool:
    top = name.partition(".")[0]
    return top in VERSIONED or top in sys.stdlib_module_names
