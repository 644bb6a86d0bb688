"""What only the loaded project knows about itself: its modules, models, settings and tests."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ctest_containers.impact.definitions import Hints
from ctest_containers.impact.lookups import Families
from ctest_containers.impact.relations import relations_of
from ctest_containers.recording.locations import VERSIONED, is_python_s
from ctest_containers.recording.module import INSTALLED
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.sources import Definition, Sources

HARMLESS: Final = frozenset(
    {
        *(*sys.stdlib_module_names, "builtins", "django", "django_filters", "factory"),
        *("import_export", "rest_framework", "typing_extensions"),
    }
)
"""Packages whose metaclasses register no classes, apart from models, which are observed."""


OBSERVED: Final = (
    ("django.contrib.admin.options", "BaseModelAdmin"),
    ("django.db.models", "Model"),
    ("django.views.generic.base", "View"),
    ("unittest", "TestCase"),
)
"""Classes of which workers see whether a test uses a subclass."""


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A loaded project.

    Attributes:
        modules: The names of its modules.
        settings: The names of all settings.
        compiled: The files of its compiled modules.
        named: Classes that settings name: middleware, storages and the like, which Django may keep
            from one test for the next.
        observed: See `Inputs.observed`.
        tables: The models of each table.
        models: The models by their labels.
        relations: See `relations_of`.
        tests: The project's classes that the class of a test inherits from, itself included.
        migrations: Names of packages with migrations.
    """

    hints: Hints = field(default_factory=Hints)
    modules: frozenset[str] = frozenset()
    settings: frozenset[str] = frozenset()
    compiled: tuple[str, ...] = ()
    named: frozenset[str] = frozenset()
    observed: frozenset[Definition] = frozenset()
    tables: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    models: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    relations: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    tests: Mapping[str, frozenset[Definition]] = field(default_factory=dict)
    migrations: tuple[str, ...] = ()


def loaded_project(paths: PortablePaths, tests: Iterable[type] = ()) -> Loaded:
    """Return what this process knows about the project that it has loaded.

    Args:
        tests: The classes of its tests.
    """
    modules: set[str] = set()
    compiled: set[str] = set()
    for name, module in [*sys.modules.items()]:
        file = getattr(module, "__file__", None)
        is_versioned = name.partition(".")[0] in VERSIONED
        if not is_versioned and isinstance(file, str) and _is_own(file, paths):
            if file.endswith(".py"):
                modules.add(name)
            elif file.endswith((".so", ".pyd")):
                compiled.add(file)
    migrations = tuple(sorted(_migrations()))
    tables, models = _models(modules)
    kinds = list(tests)
    hints = Hints(
        hooked=_hooked(modules),
        settings=frozenset(_settings_modules(modules)),
        skipped=tuple(f"{name}." for name in migrations),
        models=frozenset(kind for kinds in models.values() for kind in kinds),
        families=Families(models=models, user=_user(models), subclasses=_subclasses(modules)),
    )
    return Loaded(
        hints=hints,
        modules=frozenset(modules),
        settings=frozenset(_settings()),
        compiled=tuple(sorted(compiled)),
        named=frozenset(_names_in_settings()),
        observed=frozenset(_observed(modules)),
        tables=tables,
        models=models,
        relations=relations_of(modules),
        tests={
            ".".join(_definition_of(kind)): frozenset(
                _definition_of(base) for base in kind.__mro__ if base.__module__ in modules
            )
            for kind in kinds
        },
        migrations=migrations,
    )


def _is_own(file: str, paths: PortablePaths) -> bool:
    if not INSTALLED.isdisjoint(Path(file).parts) or is_python_s(Path(file)):
        return False
    return not paths.is_python_s(file)


def _definition_of(kind: type) -> Definition:
    return kind.__module__, kind.__qualname__


def _classes(modules: Collection[str]) -> Iterator[type]:
    """The classes that these modules define, with those inside of them."""
    for name in modules:
        waiting = [*vars(sys.modules[name]).values()] if name in sys.modules else []
        seen: set[int] = set()
        while waiting:
            value = waiting.pop()
            # Reading the class of an object may run code.
            if not issubclass(type(value), type) or id(value) in seen:
                continue
            seen.add(id(value))
            if value.__module__ == name:
                yield value
                waiting += vars(value).values()


def _observed(modules: Collection[str]) -> Iterator[Definition]:
    # Importing the others might change what the project does.
    owners = [(sys.modules.get(module), name) for module, name in OBSERVED]
    kinds = tuple(getattr(owner, name) for owner, name in owners if owner is not None)
    for kind in _classes(modules):
        if issubclass(kind, kinds):
            yield _definition_of(kind)


def _hooked(modules: Collection[str]) -> dict[str, frozenset[str]]:
    """The classes that may register themselves when they are created."""
    hooked: dict[str, set[str]] = {name: set() for name in modules}
    for kind in _classes(modules):
        hooks = any(
            "__init_subclass__" in vars(base) and not _is_harmless(base)
            for base in kind.__mro__[1:]
        )
        if hooks or not _is_harmless(type(kind)):
            hooked[kind.__module__].add(kind.__qualname__)
    return {name: frozenset(kinds) for name, kinds in hooked.items()}


def _subclasses(modules: Collection[str]) -> dict[str, frozenset[Definition]]:
    """The project's subclasses of each of its classes, and all its classes; see `Families`."""
    subclasses: dict[str, set[Definition]] = defaultdict(set)
    for kind in _classes(modules):
        for base in kind.__mro__[1:]:
            if base.__module__ in modules:
                subclasses[f"{base.__module__}.{base.__qualname__}"].add(_definition_of(kind))
        subclasses[""].add(_definition_of(kind))
    return {name: frozenset(kinds) for name, kinds in subclasses.items()}


def _user(models: Mapping[str, frozenset[Definition]]) -> frozenset[Definition]:
    from django.conf import settings

    return models.get(settings.AUTH_USER_MODEL.lower(), frozenset())


def _is_harmless(kind: type) -> bool:
    return kind.__module__.partition(".")[0] in HARMLESS


def _settings_modules(modules: Collection[str]) -> Iterator[str]:
    """The module with the settings, and those from which it takes names."""
    from django.conf import settings

    sources = Sources()
    waiting = [str(getattr(settings, "SETTINGS_MODULE", ""))]
    seen: set[str] = set()
    while waiting:
        name = waiting.pop()
        module = sources.find(name) if name in modules else None
        if module is None or name in seen:
            continue
        seen.add(name)
        yield name
        waiting += module.stars


def _settings() -> Iterator[str]:
    from django.conf import settings

    return (name for name in dir(settings) if name.isupper())


def _names_in_settings() -> Iterator[str]:
    """The texts in settings that may be full names of classes and functions."""
    from django.apps import apps
    from django.conf import settings

    for config in apps.get_app_configs():
        yield f"{type(config).__module__}.{type(config).__qualname__}"
    for name in _settings():
        try:
            waiting = [getattr(settings._wrapped, name)]
        except Exception:  # noqa: BLE001, S112  # Any code may run in there.
            continue
        while waiting:
            value = waiting.pop()
            if type(value) is dict:
                waiting += value.values()
            elif type(value) in {list, tuple, set, frozenset}:
                waiting += value
            elif isinstance(value, str):
                if "." in value and value.replace(".", "").replace("_", "").isalnum():
                    yield value
            elif issubclass(type(value), type):
                yield f"{value.__module__}.{value.__qualname__}"


def _migrations() -> Iterator[str]:
    from django.apps import apps
    from django.conf import settings

    modules = settings.MIGRATION_MODULES
    for config in apps.get_app_configs():
        label = config.label
        # Some projects set an object that answers for every app, without a method `get`.
        name = modules[label] if label in modules else f"{config.name}.migrations"  # noqa: SIM401
        if isinstance(name, str) and not name.startswith("django."):
            yield name


def _models(
    modules: Collection[str],
) -> tuple[dict[str, frozenset[Definition]], dict[str, frozenset[Definition]]]:
    from django.apps import apps

    tables: dict[str, set[Definition]] = defaultdict(set)
    models: dict[str, frozenset[Definition]] = {}
    every = apps.get_models(include_auto_created=True)
    for model in every:
        bases = model.__mro__[1:] if model._meta.auto_created else model.__mro__
        kinds = {_definition_of(kind) for kind in bases if kind.__module__ in modules}
        if model._meta.auto_created:
            # The fields of the models that it connects define it.
            others = (getattr(field_, "related_model", None) for field_ in model._meta.get_fields())
            kinds |= {
                _definition_of(other)
                for other in others
                if isinstance(other, type) and other.__module__ in modules
            }
        tables[model._meta.db_table] |= kinds
        models[model._meta.label_lower] = frozenset(kinds)
    return {table: frozenset(kinds) for table, kinds in tables.items()}, models
