"""Points the settings and the environment of this process at a service of its own."""

from __future__ import annotations

import copy
import os
from typing import Any

from ctest_containers.model import ServiceLease


def apply(lease: ServiceLease) -> None:
    """Set what a lease says, and let the receivers of Django's `setting_changed` know.

    Dictionaries in the settings are copied before they are changed, because others may share them.
    """
    from django.conf import settings
    from django.core.signals import setting_changed

    os.environ.update(lease.environment)
    for path, value in lease.settings.items():
        name, *keys = path.split(".")
        changed = _with(getattr(settings, name, None), keys, value)
        setattr(settings, name, changed)
        setting_changed.send(sender=type(settings), setting=name, value=changed, enter=True)


def _with(before: Any, keys: list[str], value: Any) -> Any:
    if not keys:
        return value
    changed = copy.copy(before) if isinstance(before, dict) else {}
    changed[keys[0]] = _with(changed.get(keys[0]), keys[1:], value)
    return changed
