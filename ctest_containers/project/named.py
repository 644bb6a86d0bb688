"""What settings name."""

from __future__ import annotations

from typing import Any


def setting(name: str) -> Any:
    """The value of a setting; None where there is none."""
    from django.conf import settings

    return getattr(settings, name, None)


def class_at(path: object) -> type | None:
    """The class of a dotted path; None where there is none, of which others tell."""
    from django.utils.module_loading import import_string

    try:
        found = import_string(str(path))
    except Exception:  # noqa: BLE001  # A module of the project's may raise anything.
        return None
    return found if isinstance(found, type) else None
