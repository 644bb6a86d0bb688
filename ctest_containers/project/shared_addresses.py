"""Addresses in any other setting, of servers that all workers of a run would use."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Final

from ctest_containers.project.settings_lookup import setting
from ctest_containers.project.shared_resource import BY_FUNCTION, SharedResource

SHARED_SCHEMES: Final = frozenset(
    {
        *("redis", "rediss", "valkey", "mongodb", "mongodb+srv"),
        *("amqp", "amqps", "pyamqp", "sqs", "kafka"),
    }
)
"""Schemes of the addresses of servers that keep data."""

SHARED_HOST: Final = re.compile(
    r"(?:.*_)?(?:REDIS|VALKEY|RABBITMQ|AMQP|MONGO|MONGODB|KAFKA|NATS|ELASTICSEARCH|OPENSEARCH"
    r"|MEMCACHE|MEMCACHED)(?:_.*)?_HOSTS?"
)
"""Names of settings that hold the host of such a server, without a scheme."""

COVERED: Final = frozenset(
    {
        *("CACHES", "CHANNEL_LAYERS", "DATABASES", "STORAGES", "LOGGING"),
        *("HAYSTACK_CONNECTIONS", "ELASTICSEARCH_DSL", "OPENSEARCH_DSL"),
        *("CELERY_BROKER_URL", "BROKER_URL"),
    }
)
"""Settings that may have addresses, which other modules read."""


def addresses() -> Iterator[SharedResource]:
    """All other settings with the address of a server that keeps data."""
    from django.conf import settings

    covered = {address for name in COVERED for _, address in _strings(name, setting(name))}
    with warnings.catch_warnings():
        # Some versions of Django deprecate some settings, which is not the reader's fault here.
        warnings.simplefilter("ignore")
        # Django raises an error if code reads an empty SECRET_KEY.
        names = [name for name in sorted(dir(settings)) if name.isupper() and name != "SECRET_KEY"]
        values = {name: setting(name) for name in names if settings.is_overridden(name)}
    for name, value in values.items():
        if name in COVERED:
            continue
        for path, text in _strings(name, value):
            scheme = text.partition("://")[0].lower() if "://" in text else ""
            is_host = path == name and scheme == "" and SHARED_HOST.fullmatch(name) is not None
            if text in covered or not ((text and is_host) or scheme in SHARED_SCHEMES):
                continue
            yield SharedResource(
                setting=path,
                what=(
                    f"It points to a server that all workers would share, {without_secrets(text)}."
                ),
                separated=False,
                advice="If tests write there, give each worker its own database, index or prefix, "
                f"with worker.name in it, {BY_FUNCTION}.",
            )


def without_secrets(address: str) -> str:
    """An address without what might be secret: its scheme, host and port, or its path."""
    scheme, mark, rest = address.partition("://") if "://" in address else ("", "", address)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0] if mark else rest
    beyond = rest[len(authority) :]
    # A password that should have been quoted, and was not, may look like the end of a host.
    host = "…" if "@" in beyond else authority.rpartition("@")[2]
    return f"{scheme}{mark}{host}"


def _strings(name: str, value: object) -> Iterator[tuple[str, str]]:
    """All strings in a setting, each with its path in the setting."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, member in value.items():
            yield from _strings(f"{name}[{key!r}]", member)
    elif isinstance(value, (list, tuple)):
        for index, member in enumerate(value):
            yield from _strings(f"{name}[{index}]", member)
