"""Who is told by Django's signals of what a flush and its like do."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ctest_containers.project.hooks import live_receivers

Name = tuple[str, str]
"""A module, and the name of a function in it."""

Receiver = tuple[str, Name]
"""The label of an app, and who is told of its migrations."""

OF_CONTENT_TYPES: Final = frozenset(
    {
        ("django.contrib.auth.management", "create_permissions"),
        ("django.contrib.contenttypes.management", "create_contenttypes"),
    }
)
"""They make content types, and forget those in memory; permissions need some."""

OF_POST_MIGRATE: Final = OF_CONTENT_TYPES | {
    ("django.contrib.sites.management", "create_default_site")
}
"""They make content types, permissions and a site where there is none, and nothing else."""

OF_SAVE: Final = frozenset({("django.contrib.sites.models", "clear_site_cache")})
"""It forgets a site that is saved."""


def receivers_of_migrate() -> Iterator[Receiver]:
    """Who is told that the models of an app were migrated, by the app's label."""
    from django.apps import apps
    from django.db.models.signals import post_migrate

    for app in apps.get_app_configs():
        if app.models_module is not None:
            for name in _told(post_migrate, app):
                yield app.label, name


def foreign_to_migrate(receivers: Iterable[Receiver]) -> Iterator[str]:
    """Who is told that a database was migrated, or of the site that is made then, but Django."""
    from django.apps import apps

    yield from (_dotted(name) for _, name in receivers if name not in OF_POST_MIGRATE)
    if apps.is_installed("django.contrib.sites"):
        yield from foreign_to_save(apps.get_model("sites", "Site"))


def foreign_to_save(model: Any) -> Iterator[str]:
    """Who is told that a row of a model is saved, but Django itself."""
    from django.db.models.signals import post_save, pre_save

    for signal in (pre_save, post_save):
        yield from (_dotted(name) for name in _told(signal, model) if name not in OF_SAVE)


def _told(signal: Any, sender: Any) -> Iterator[Name]:
    for receiver in live_receivers(signal, sender):
        module = getattr(receiver, "__module__", "") or ""
        name = getattr(receiver, "__qualname__", repr(receiver))
        # One that wraps another calls itself the same.
        is_that = getattr(sys.modules.get(module), name, receiver) is receiver
        yield module, name if is_that else f"{name}, or what wraps it"


def _dotted(name: Name) -> str:
    return ".".join(filter(None, name))
