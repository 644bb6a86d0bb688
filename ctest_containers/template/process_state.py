"""What a process has that a new one would not have, besides the values in its modules."""

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
"""Those whose receivers may write rows; fields connect to the others when models are made."""

CACHES: Final = {
    "django.contrib.sites.models": "SITE_CACHE",
    "django.core.cache.backends.locmem": "_caches",
}
"""What Django keeps in memory, by module and name."""


def process_state() -> dict[str, str]:
    """The digests of the parts of this process's state; comparable within the process only."""
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
            (one.alias, len(one.execute_wrappers)) for one in connections.all(initialized_only=True)
        ],
        "a context variable": sorted(
            (id(one), repr(value)) for one, value in contextvars.copy_context().items()
        ),
        "one of Django's caches in memory": [
            repr(vars(sys.modules[one]).get(name))
            for one, name in CACHES.items()
            if one in sys.modules
        ],
        "the receivers of signals": receivers(),
    }
    return {name: digest_of(repr(value)) for name, value in state.items()}


def receivers() -> str:
    """The names of all receivers of signals about models; the same in each process."""
    from django.db.models import signals

    found: list[tuple[str, list[str]]] = []
    for name in SIGNALS:
        entries: list[Any] = getattr(signals, name).receivers
        live = [
            one[1]() if isinstance(one[1], weakref.ReferenceType) else one[1] for one in entries
        ]
        found.append((name, sorted(_name_of(one) for one in live if one is not None)))
    return repr(found)


def _name_of(receiver: Any) -> str:
    kind = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    return f"{kind.__module__}.{kind.__qualname__}"
