"""Creates the databases of a template as pytest-django does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.db import connections as configured
from django.test import utils

create_as_django: Callable[..., Any] = utils.setup_databases
"""Django's own function, even if it is replaced later."""


@dataclass(slots=True)
class Creation:
    """How a process builds a template.

    Attributes:
        names: The names of test databases in the settings, before pytest-django changes them.
        migrate: Whether migrations create the tables, instead of the models.
    """

    names: Mapping[str, Any]
    migrate: bool = True


def creation_of_settings() -> Creation:
    """Return how to build a template, by the current settings."""
    return Creation({alias: configured.settings[alias]["TEST"]["NAME"] for alias in configured})


def create_databases(creation: Creation, aliases: Sequence[str], keep: bool) -> None:  # noqa: FBT001
    """Create and migrate test databases as pytest-django does, in a child process."""
    for alias in aliases:
        # SQLite's test databases are not created where the settings say.
        if configured[alias].vendor != "sqlite":
            configured.settings[alias]["TEST"]["NAME"] = creation.names[alias]
    if not creation.migrate:
        create_from_models(aliases)
    create_as_django(
        verbosity=0, interactive=False, keepdb=keep, aliases=aliases, serialized_aliases=()
    )


def load_configurations() -> None:
    """Let a spawned process load settings that are a class of django-configurations."""
    if os.environ.get("DJANGO_CONFIGURATION"):
        import_module("configurations.importer").install()


def migrates() -> bool:
    """Return whether migrations create the tables, as without pytest-django's --no-migrations."""
    from django.apps import apps

    modules: Any = settings.MIGRATION_MODULES
    labels = [app.label for app in apps.get_app_configs()]
    return not all(label in modules and modules[label] is None for label in labels)


def create_from_models(aliases: Iterable[str]) -> None:
    """Set `MIGRATE` in the settings of databases, by which the fingerprint sees --no-migrations."""
    for alias in aliases:
        configured.settings[alias]["TEST"]["MIGRATE"] = False
