"""The state of a process that a new process would lack, besides the values in its modules."""

from __future__ import annotations

import contextvars
import decimal
import locale
import os
import random
import sys
import weakref
from typing import Any, Final

from ctest_containers.recording.digests import digest_of

SIGNALS: Final = (
    *("pre_save", "post_save", "pre_delete", "post_delete", "m2m_changed"),
    *("pre_migrate", "post_migrate"),
)
"""Signals whose receivers may write rows; fields connect to the others when models are made."""

CACHES: Final = {
    "django.contrib.sites.models": "SITE_CACHE",
    "django.core.cache.backends.locmem": "_caches",
}
"""Django's caches in memory, as names by module."""


def process_state() -> dict[str, str]:
    """Return digests of the parts of this process's state; comparable only within the process."""
    from django.conf import settings
    from django.db import connections
    from django.utils import timezone, translation

    state = {
        "the current folder": os.getcwd(),  # noqa: PTH109
        "the environment": sorted(os.environ.items()),
        "the random number generator": random.getstate(),
        "the language": translation.get_language(),
        "the time zone": timezone.get_current_timezone_name(),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the context of decimal numbers": decimal.getcontext(),
        "a setting": sorted((name, id(value)) for name, value in vars(settings._wrapped).items()),
        "the wrappers of a connection": [
            (connection.alias, len(connection.execute_wrappers))
            for connection in connections.all(initialized_only=True)
        ],
        "a context variable": sorted(
            (id(variable), repr(value)) for variable, value in contextvars.copy_context().items()
        ),
        "one of Django's caches in memory": [
            repr(vars(sys.modules[module]).get(name))
            for module, name in CACHES.items()
            if module in sys.modules
        ],
        "the receivers of signals": receivers(),
    }
    return {name: digest_of(repr(value)) for name, value in state.items()}


def receivers() -> str:
    """Return the names of all receivers of SIGNALS; comparable between processes."""
    from django.db.models import signals

    names: list[tuple[str, list[str]]] = []
    for signal in SIGNALS:
        references = [entry[1] for entry in getattr(signals, signal).receivers]
        live = [
            reference() if isinstance(reference, weakref.ReferenceType) else reference
            for reference in references
        ]
        names.append(
            (signal, sorted(_name_of(receiver) for receiver in live if receiver is not None))
        )
    return repr(names)


def _name_of(receiver: Any) -> str:
    kind = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    return f"{kind.__module__}.{kind.__qualname__}"
