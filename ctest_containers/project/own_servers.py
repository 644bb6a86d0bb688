"""Separates workers by prefixes in shared caches and channel layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ctest_containers.project.own_folders import keeps_files, own_path
from ctest_containers.project.settings_lookup import class_at, setting


def is_in_the_process(backend: type | None) -> bool:
    """Whether a cache is in memory, a dummy, or in the worker's own database."""
    from django.core.cache.backends.db import DatabaseCache
    from django.core.cache.backends.dummy import DummyCache
    from django.core.cache.backends.locmem import LocMemCache

    return backend is not None and issubclass(backend, (LocMemCache, DummyCache, DatabaseCache))


def takes_prefix(backend: type | None, spec: Mapping[str, Any]) -> bool:
    """Whether keys with different prefixes are different keys."""
    from django.core.cache.backends.base import BaseCache, get_key_func

    if backend is None or not issubclass(backend, BaseCache):
        return False
    try:
        make: Any = get_key_func(spec.get("KEY_FUNCTION"))
        return bool(make("key", "one", 1) != make("key", "another", 1))
    except Exception:  # noqa: BLE001  # The project's function may raise anything.
        return False


def own_caches(name: str, own: Mapping[Path, Path]) -> Any:
    """The setting CACHES for a worker with this name and these folders."""
    specs = dict(setting("CACHES") or {})
    for alias, spec in specs.items():
        backend = class_at(spec.get("BACKEND"))
        if keeps_files(backend):
            specs[alias] = {**spec, "LOCATION": own_path(spec.get("LOCATION"), own)}
        elif not is_in_the_process(backend) and takes_prefix(backend, spec):
            specs[alias] = {**spec, "KEY_PREFIX": _prefixed(name, spec.get("KEY_PREFIX"))}
    return specs


def _prefixed(name: str, configured: object) -> str:
    # No colon, at which django-redis splits prefixes.
    return f"{name}-{configured}" if configured else name


def is_on_redis(layer: Mapping[str, Any]) -> bool:
    """Whether a channel layer is one of channels_redis."""
    backend = class_at(layer.get("BACKEND"))
    classes = () if backend is None else backend.__mro__
    return any(ancestor.__module__.partition(".")[0] == "channels_redis" for ancestor in classes)


def own_channel_layers(name: str) -> Any:
    """The setting CHANNEL_LAYERS for a worker with this name."""
    layers = setting("CHANNEL_LAYERS")
    if not isinstance(layers, Mapping):
        return layers
    changed = dict(layers)
    for alias, layer in layers.items():
        if is_on_redis(layer):
            configured = layer.get("CONFIG") or {}
            prefix = _prefixed(name, configured.get("prefix", "asgi"))
            changed[alias] = {**layer, "CONFIG": {**configured, "prefix": prefix}}
    return changed
