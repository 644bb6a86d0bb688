"""Finds and imports models that only one process has, usually those of test modules."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ctest_containers.errors import ProjectError

if TYPE_CHECKING:
    from django.apps import AppConfig


def modules_of_models() -> dict[str, str]:
    """The module of each model that is defined in this process, by the model's label."""
    from django.apps import apps

    models = apps.get_models(include_auto_created=False, include_swapped=True)
    return {model._meta.label: model.__module__ for model in models}


def labels_with_tables() -> frozenset[str]:
    """The labels of the models for which Django creates tables without a migration."""
    from django.apps import apps
    from django.conf import settings

    always = any(
        database.get("TEST", {}).get("MIGRATE") is False for database in settings.DATABASES.values()
    )
    return frozenset(
        model._meta.label
        for config in apps.get_app_configs()
        if always or not _has_migrations(config)
        for model in config.get_models()
        if model._meta.can_migrate(next(iter(settings.DATABASES)))
    )


def _has_migrations(config: AppConfig) -> bool:
    from django.conf import settings

    name = settings.MIGRATION_MODULES.get(config.label, f"{config.name}.migrations")
    try:
        return name is not None and find_spec(name) is not None
    except ImportError:
        return False


def import_models(models: Mapping[str, str], needed: Collection[str]) -> None:
    """Import the modules that define these models, a mapping as `modules_of_models` returns it.

    Django creates tables for the models that are defined when it creates a test database, by then
    also for those of test modules, which only the process that runs the tests has imported.

    Args:
        needed: The labels of models that have tables without a migration.

    Raises:
        ProjectError: One of these cannot be defined here.
    """
    for module in dict.fromkeys(_missing(models).values()):
        # pytest.skip() at module level raises a BaseException, after any models above it are
        # defined.
        with suppress(BaseException):
            import_module(module)
    if missing := {label: models[label] for label in _missing(models) if label in needed}:
        label, module = next(iter(missing.items()))
        raise ProjectError(
            f"The model {label} belongs to the module {module}, but importing that module in a new "
            "process does not define the model, so the template would have no table for it.",
            "Define the model at the top level of an importable module, or build the template "
            "first without starting a new process: run once without pytest-xdist (-n 0), or with "
            "--start-method fork.",
        )


def _missing(models: Mapping[str, str]) -> dict[str, str]:
    present = modules_of_models()
    return {label: module for label, module in models.items() if label not in present}
