"""Servers that all workers of a run would use: caches, channel layers, mail, brokers, search."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ctest_containers.project.own_folders import keeps_files
from ctest_containers.project.own_servers import is_in_the_process, is_on_redis, takes_prefix
from ctest_containers.project.settings_lookup import class_at, setting
from ctest_containers.project.shared_addresses import without_secrets
from ctest_containers.project.shared_resource import BY_FUNCTION, SharedResource

OWN_MAIL: Final = ("locmem", "dummy", "console")
"""Django's mail backends that keep everything in the process."""

SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"
"""Django's default."""


def caches() -> Iterator[SharedResource]:
    """Caches outside of the worker's process and databases."""
    for alias, spec in (setting("CACHES") or {}).items():
        backend = class_at(spec.get("BACKEND"))
        if keeps_files(backend) or is_in_the_process(backend):
            continue
        separated = takes_prefix(backend, spec)
        location = spec.get("LOCATION")
        locations = location if isinstance(location, (list, tuple)) else [location]
        servers = ", ".join(without_secrets(str(server)) for server in locations if server)
        what = f"The cache is {spec.get('BACKEND')}" + (f" at {servers}" if servers else "")
        yield SharedResource(
            setting=f"CACHES[{alias!r}]",
            what=f"{what}.",
            separated=separated,
            advice="Each worker has its own keys, but clear() empties the cache for all workers: "
            "if tests call it, use django.core.cache.backends.locmem.LocMemCache in the "
            f"settings for tests, or give each worker a server or a database {BY_FUNCTION}."
            if separated
            else "Its keys take no prefix: use django.core.cache.backends.locmem.LocMemCache in "
            f"the settings for tests, or give each worker its own {BY_FUNCTION}.",
        )


def channel_layers() -> Iterator[SharedResource]:
    """Channel layers outside of the worker's process."""
    layers = setting("CHANNEL_LAYERS")
    for alias, layer in (layers if isinstance(layers, Mapping) else {}).items():
        backend = str(layer.get("BACKEND"))
        if backend == "channels.layers.InMemoryChannelLayer":
            continue
        separated = is_on_redis(layer)
        yield SharedResource(
            setting=f"CHANNEL_LAYERS[{alias!r}]",
            what=f"Messages between consumers go through {backend}.",
            separated=separated,
            advice=""
            if separated
            else "Use channels.layers.InMemoryChannelLayer in the settings for tests, or give each "
            f"worker its own {BY_FUNCTION}.",
        )


def mail() -> Iterator[SharedResource]:
    """Mail backends, which Django replaces while tests run."""
    import django
    from django.conf import settings

    own = {f"django.core.mail.backends.{kind}.EmailBackend" for kind in OWN_MAIL}
    # Django knows the setting from 6.1 on.
    mailers = setting("MAILERS") if django.VERSION >= (6, 1) else None
    backends = {
        f"MAILERS[{alias!r}]": spec.get("BACKEND", SMTP) for alias, spec in (mailers or {}).items()
    }
    if settings.is_overridden("EMAIL_BACKEND"):
        backends["EMAIL_BACKEND"] = setting("EMAIL_BACKEND")
    for name, backend in backends.items():
        if backend not in own:
            yield SharedResource(
                setting=name,
                what=f"Mail is sent by {backend}; while tests run, Django keeps it in the memory "
                "of each worker.",
                separated=True,
            )


def brokers() -> Iterator[SharedResource]:
    """Celery's brokers, unless tasks run in the process that calls them."""
    celery = setting("CELERY")
    nested = celery if isinstance(celery, Mapping) else {}
    eager = ("CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER")
    if nested.get("task_always_eager") or any(setting(name) for name in eager):
        return
    for name, remedy in zip(("CELERY_BROKER_URL", "BROKER_URL"), eager, strict=True):
        address = setting(name)
        if isinstance(address, str) and address and not address.startswith("memory:"):
            yield SharedResource(
                setting=name,
                what=f"Tasks go to the broker at {without_secrets(address)}, where any consumer "
                "may run them.",
                separated=False,
                advice=f"Set {remedy} = True, or {name} = 'memory://', in the settings for tests.",
            )


def search_engines() -> Iterator[SharedResource]:
    """Search indexes of Haystack, Elasticsearch and OpenSearch."""
    for alias, spec in (setting("HAYSTACK_CONNECTIONS") or {}).items():
        engine = str(spec.get("ENGINE"))
        if "simple_backend" in engine or spec.get("STORAGE") == "ram":
            continue
        option = "PATH" if "whoosh" in engine else "INDEX_NAME"
        yield SharedResource(
            setting=f"HAYSTACK_CONNECTIONS[{alias!r}]",
            what=f"All workers write into one search index, that of {engine}.",
            separated=False,
            advice="Use haystack.backends.simple_backend.SimpleEngine in the settings for tests, "
            f"or put worker.name into {option} {BY_FUNCTION}.",
        )
    for name in ("ELASTICSEARCH_DSL", "OPENSEARCH_DSL"):
        if setting(name):
            yield SharedResource(
                setting=name,
                what="All workers write into the same search indexes.",
                separated=False,
                advice=f"Set {name}_AUTOSYNC = False in the settings for tests, or put worker.name "
                f"into the names of the indexes {BY_FUNCTION}.",
            )
