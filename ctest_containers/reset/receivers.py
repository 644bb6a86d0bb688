"""Finds the receivers of the signals that a flush sends."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, Final

from ctest_containers.project.hooks import live_receivers

Name = tuple[str, str]
"""A module, and the name of a function in it."""

Receiver = tuple[str, Name]
"""The label of an app, and a receiver of its `post_migrate`."""

OF_CONTENT_TYPES: Final = frozenset(
    {
        ("django.contrib.auth.management", "create_permissions"),
        ("django.contrib.contenttypes.management", "create_contenttypes"),
    }
)
"""They create content types and clear their cache; permissions need content types."""

OF_POST_MIGRATE: Final = OF_CONTENT_TYPES | {
    ("django.contrib.sites.management", "create_default_site"),
    # It looks for renamed models in a plan of migrations, which a flush does not have.
    ("django.contrib.auth.management", "rename_permissions_after_model_rename"),
}
"""They create content types, permissions and a missing default site, and nothing else."""

OF_SAVE: Final = frozenset({("django.contrib.sites.models", "clear_site_cache")})
"""It removes a saved site from the cache."""


def receivers_of_migrate() -> Iterator[Receiver]:
    """The receivers of `post_migrate`, with the labels of their apps."""
    from django.apps import apps
    from django.db.models.signals import post_migrate

    for app in apps.get_app_configs():
        if app.models_module is not None:
            for name in _receivers(post_migrate, app):
                yield app.label, name


def foreign_to_migrate(receivers: Iterable[Receiver]) -> Iterator[str]:
    """The receivers other than Django's of `post_migrate`, and of the site that it saves."""
    from django.apps import apps

    yield from (_dotted(name) for _, name in receivers if name not in OF_POST_MIGRATE)
    if apps.is_installed("django.contrib.sites"):
        yield from foreign_to_save(apps.get_model("sites", "Site"))


def foreign_to_save(model: Any) -> Iterator[str]:
    """The receivers other than Django's that run when a row of a model is saved."""
    from django.db.models.signals import post_save, pre_save

    for signal in (pre_save, post_save):
        yield from (_dotted(name) for name in _receivers(signal, model) if name not in OF_SAVE)


def _receivers(signal: Any, sender: Any) -> Iterator[Name]:
    for receiver in live_receivers(signal, sender):
        module = getattr(receiver, "__module__", "") or ""
        name = getattr(receiver, "__qualname__", repr(receiver))
        # A function that wraps another has the same name.
        is_that = getattr(sys.modules.get(module), name, receiver) is receiver
        yield module, name if is_that else f"{name}, or what wraps it"


def _dotted(name: Name) -> str:
    return ".".join(filter(None, name))
