"""Reads and overrides settings, and imports the classes that they name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

DEPRECATED: Final = frozenset({"EMAIL_FILE_PATH"})
"""Settings that Django 6.1 warns about when they are changed."""


def setting(name: str) -> Any:
    """The value of a setting; None if it is not set.

    It bypasses `LazySettings`, which would warn about deprecated settings.
    """
    from django.conf import settings

    if not settings.configured:
        settings._setup()
    return getattr(settings._wrapped, name, None)


def override(changes: Mapping[str, Any]) -> None:
    """Override settings for the rest of the process, and send `setting_changed` for each."""
    from django.conf import settings
    from django.test.signals import setting_changed
    from django.test.utils import override_settings

    override_settings(**{k: v for k, v in changes.items() if k not in DEPRECATED}).enable()
    for name in DEPRECATED.intersection(changes):
        vars(settings._wrapped)[name] = changes[name]
        vars(settings).pop(name, None)
        setting_changed.send(
            sender=type(settings._wrapped), setting=name, value=changes[name], enter=True
        )


def class_at(path: object) -> type | None:
    """The class at a dotted path; None if there is none, which Django reports itself."""
    from django.utils.module_loading import import_string

    try:
        value = import_string(str(path))
    except Exception:  # noqa: BLE001  # The project's module may raise anything.
        return None
    return value if isinstance(value, type) else None
