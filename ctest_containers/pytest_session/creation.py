"""Creates the databases of a template as pytest-django has them."""

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
"""Django's own function, whatever stands in its place later."""


@dataclass(slots=True)
class Creation:
    """How the process that makes a template is to make it.

    Attributes:
        names: What test databases are called by the settings, before pytest-django adds to it.
        migrate: Whether migrations make the tables, or the models do.
    """

    names: Mapping[str, Any]
    migrate: bool = True


def creation_of_settings() -> Creation:
    """Return how a template is made, by the settings as they are now."""
    return Creation({alias: configured.settings[alias]["TEST"]["NAME"] for alias in configured})


def create_databases(how: Creation, aliases: Sequence[str], keep: bool) -> None:  # noqa: FBT001
    """Create and migrate test databases as pytest-django has them, in a child process."""
    for alias in aliases:
        # A test database of SQLite's is made elsewhere than the settings say.
        if configured[alias].vendor != "sqlite":
            configured.settings[alias]["TEST"]["NAME"] = how.names[alias]
    if not how.migrate:
        create_from_models(aliases)
    create_as_django(
        verbosity=0, interactive=False, keepdb=keep, aliases=aliases, serialized_aliases=()
    )


def load_configurations() -> None:
    """Let a spawned process find settings that are a class of django-configurations."""
    if os.environ.get("DJANGO_CONFIGURATION"):
        import_module("configurations.importer").install()


def migrates() -> bool:
    """Whether migrations make the tables; pytest-django's --no-migrations takes them all away."""
    from django.apps import apps

    modules: Any = settings.MIGRATION_MODULES
    labels = [app.label for app in apps.get_app_configs()]
    return not all(label in modules and modules[label] is None for label in labels)


def create_from_models(aliases: Iterable[str]) -> None:
    """Say in the settings of databases what --no-migrations means, as the fingerprint reads it."""
    for alias in aliases:
        configured.settings[alias]["TEST"]["MIGRATE"] = False
