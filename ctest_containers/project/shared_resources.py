"""What workers would share besides databases, and what to do about it."""

from __future__ import annotations

import itertools
import logging
import re
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctest_containers.project.own_folders import (
    COPIED_BYTES,
    COPIED_FILES,
    contents_of,
    keeps_files,
    path_of,
    shared_folders,
    storage_specs,
    storages_made,
)
from ctest_containers.project.own_servers import is_in_the_process, is_on_redis, takes_prefix
from ctest_containers.project.settings_lookup import class_at, setting

BY_FUNCTION: Final = "in a function that --worker-setup names"

OWN_MAIL: Final = ("locmem", "dummy", "console")
"""Django's mail backends that keep everything in the process."""

SMTP: Final = "django.core.mail.backends.smtp.EmailBackend"
"""Django's default."""


SHARED_SCHEMES: Final = frozenset(
    {
        *("redis", "rediss", "valkey", "mongodb", "mongodb+srv"),
        *("amqp", "amqps", "pyamqp", "sqs", "kafka"),
    }
)
"""The beginnings of addresses of servers that keep what they are told."""


SHARED_HOST: Final = re.compile(
    r"(?:.*_)?(?:REDIS|VALKEY|RABBITMQ|AMQP|MONGO|MONGODB|KAFKA|NATS|ELASTICSEARCH|OPENSEARCH"
    r"|MEMCACHE|MEMCACHED)(?:_.*)?_HOSTS?"
)
"""Names of settings that have the host of such a server without more."""


TOLD_APART: Final = frozenset(
    {
        *("CACHES", "CHANNEL_LAYERS", "DATABASES", "STORAGES", "LOGGING"),
        *("HAYSTACK_CONNECTIONS", "ELASTICSEARCH_DSL", "OPENSEARCH_DSL"),
        *("CELERY_BROKER_URL", "BROKER_URL"),
    }
)
"""Settings that may have addresses, of which the survey says more than that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """Something besides databases that all workers of a run would share.

    Attributes:
        setting: Where it is configured, such as `CACHES['default']`.
        what: What is shared, in a sentence.
        separated: Whether `separate` gives each worker its own.
        advice: What to do about it where it does not, or about what is left of it.
    """

    setting: str
    what: str
    separated: bool
    advice: str = ""


def survey() -> list[Shared]:
    """All that workers would share besides databases, as the settings tell.

    Nothing is written, and nobody is connected to.
    """
    return [
        *_surveyed_caches(),
        *_surveyed_folders(),
        *_surveyed_storages(),
        *_surveyed_channel_layers(),
        *_surveyed_mail(),
        *_surveyed_brokers(),
        *_surveyed_search_engines(),
        *_surveyed_log_files(),
        *_surveyed_addresses(),
    ]


def _surveyed_folders() -> Iterator[Shared]:
    apart_from = Path(tempfile.gettempdir())
    folders = sorted(shared_folders(), key=lambda folder: folder.path)
    for path, same in itertools.groupby(folders, key=lambda folder: folder.path):
        named = list(same)
        is_read = any(folder.is_read for folder in named)
        copied = not is_read or contents_of(path, apart_from=apart_from) is not None
        limits = f"{COPIED_FILES} files or {COPIED_BYTES // 2**20} MB"
        yield Shared(
            setting=", ".join(dict.fromkeys(folder.setting for folder in named)),
            what=f"Files are kept in the folder {path}.",
            separated=copied,
            advice=""
            if copied
            else f"It has more than {limits}, or what cannot be copied, so that all workers use "
            "the same. Name a smaller or an empty folder in the settings for tests, or a copy of "
            f"it {BY_FUNCTION}.",
        )


def _storages_in_code() -> Iterator[tuple[str, Any]]:
    """The storages of fields that are not from the settings."""
    from django.apps import apps
    from django.db.models import FileField
    from django.utils.functional import LazyObject

    made = storages_made()
    for model in apps.get_models() if apps.models_ready else ():
        for field in model._meta.local_fields:
            if not isinstance(field, FileField) or isinstance(field.storage, LazyObject):
                continue  # The default storage is a lazy one.
            if not any(field.storage is one for one in made):
                yield f"{model._meta.label}.{field.name}", field.storage


def _surveyed_storages() -> Iterator[Shared]:
    from django.core.files.storage import FileSystemStorage, InMemoryStorage

    advice = (
        "Use django.core.files.storage.InMemoryStorage in the settings for tests, or put "
        f"worker.name into the place where it keeps them {BY_FUNCTION}."
    )
    for alias, spec in storage_specs().items():
        if alias == "staticfiles":
            continue  # Tests link to such files, and write none.
        found = class_at(spec.get("BACKEND"))
        if found is None or not issubclass(found, (FileSystemStorage, InMemoryStorage)):
            yield Shared(
                setting=f"STORAGES[{alias!r}]",
                what=f"Files are kept where {spec.get('BACKEND')} keeps them.",
                separated=False,
                advice=advice,
            )
    for label, storage in _storages_in_code():
        if isinstance(storage, FileSystemStorage):
            if (path := path_of(getattr(storage, "_location", None))) is not None:
                yield Shared(
                    setting=label,
                    what=f"Files are kept in the folder {path}, which the code names.",
                    separated=False,
                    advice="Name it in the setting STORAGES, and take the field's storage from "
                    "django.core.files.storage.storages.",
                )
        elif not isinstance(storage, InMemoryStorage):
            kind = f"{type(storage).__module__}.{type(storage).__qualname__}"
            yield Shared(
                setting=label,
                what=f"Files are kept where {kind} keeps them.",
                separated=False,
                advice=advice,
            )


def _surveyed_caches() -> Iterator[Shared]:
    for alias, spec in (setting("CACHES") or {}).items():
        found = class_at(spec.get("BACKEND"))
        if keeps_files(found) or is_in_the_process(found):
            continue
        separated = takes_prefix(found, spec)
        places = spec.get("LOCATION")
        places = places if isinstance(places, (list, tuple)) else [places]
        where = ", ".join(_shown(str(place)) for place in places if place)
        what = f"The cache is kept by {spec.get('BACKEND')}" + (f" at {where}" if where else "")
        yield Shared(
            setting=f"CACHES[{alias!r}]",
            what=f"{what}.",
            separated=separated,
            advice="Each worker has keys of its own, but clear() empties it for all of them: "
            "where tests call that, use django.core.cache.backends.locmem.LocMemCache in the "
            f"settings for tests, or give each worker a server or a database {BY_FUNCTION}."
            if separated
            else "Its keys take no prefix: use django.core.cache.backends.locmem.LocMemCache in "
            f"the settings for tests, or give each worker its own {BY_FUNCTION}.",
        )


def _surveyed_channel_layers() -> Iterator[Shared]:
    layers = setting("CHANNEL_LAYERS")
    for alias, layer in (layers if isinstance(layers, Mapping) else {}).items():
        backend = str(layer.get("BACKEND"))
        if backend == "channels.layers.InMemoryChannelLayer":
            continue
        separated = is_on_redis(layer)
        yield Shared(
            setting=f"CHANNEL_LAYERS[{alias!r}]",
            what=f"Messages between consumers go through {backend}.",
            separated=separated,
            advice=""
            if separated
            else "Use channels.layers.InMemoryChannelLayer in the settings for tests, or give each "
            f"worker its own {BY_FUNCTION}.",
        )


def _surveyed_mail() -> Iterator[Shared]:
    import django
    from django.conf import settings

    own = {f"django.core.mail.backends.{kind}.EmailBackend" for kind in OWN_MAIL}
    # Before Django 6.1, the name means nothing.
    mailers = setting("MAILERS") if django.VERSION >= (6, 1) else None
    backends = {
        f"MAILERS[{alias!r}]": spec.get("BACKEND", SMTP) for alias, spec in (mailers or {}).items()
    }
    if settings.is_overridden("EMAIL_BACKEND"):
        backends["EMAIL_BACKEND"] = setting("EMAIL_BACKEND")
    for name, backend in backends.items():
        if backend not in own:
            yield Shared(
                setting=name,
                what=f"Mail is sent by {backend}; while tests run, Django keeps it in the memory "
                "of each worker.",
                separated=True,
            )


def _surveyed_brokers() -> Iterator[Shared]:
    celery = setting("CELERY")
    nested = celery if isinstance(celery, Mapping) else {}
    eager = ("CELERY_TASK_ALWAYS_EAGER", "CELERY_ALWAYS_EAGER")
    if nested.get("task_always_eager") or any(setting(name) for name in eager):
        return
    for name, remedy in zip(("CELERY_BROKER_URL", "BROKER_URL"), eager, strict=True):
        address = setting(name)
        if isinstance(address, str) and address and not address.startswith("memory:"):
            yield Shared(
                setting=name,
                what=f"Tasks go to the broker at {_shown(address)}, and whoever listens there may "
                "carry them out.",
                separated=False,
                advice=f"Set {remedy} = True, or {name} = 'memory://', in the settings for tests.",
            )


def _surveyed_search_engines() -> Iterator[Shared]:
    for alias, spec in (setting("HAYSTACK_CONNECTIONS") or {}).items():
        engine = str(spec.get("ENGINE"))
        if "simple_backend" in engine or spec.get("STORAGE") == "ram":
            continue
        place = "PATH" if "whoosh" in engine else "INDEX_NAME"
        yield Shared(
            setting=f"HAYSTACK_CONNECTIONS[{alias!r}]",
            what=f"All workers write into one search index, that of {engine}.",
            separated=False,
            advice="Use haystack.backends.simple_backend.SimpleEngine in the settings for tests, "
            f"or put worker.name into {place} {BY_FUNCTION}.",
        )
    for name in ("ELASTICSEARCH_DSL", "OPENSEARCH_DSL"):
        if setting(name):
            yield Shared(
                setting=name,
                what="All workers write into the same search indexes.",
                separated=False,
                advice=f"Set {name}_AUTOSYNC = False in the settings for tests, or put worker.name "
                f"into the names of the indexes {BY_FUNCTION}.",
            )


def _surveyed_log_files() -> Iterator[Shared]:
    configured = setting("LOGGING") or {}
    for name, handler in configured.get("handlers", {}).items():
        file = str(handler.get("filename", ""))
        found = class_at(handler.get("class"))
        if found is None or not issubclass(found, logging.FileHandler):
            continue
        if file and not file.startswith("/dev/"):
            yield Shared(
                setting=f"LOGGING['handlers'][{name!r}]",
                what=f"All workers write into the file {file}, and one that rotates it takes it "
                "away from the others.",
                separated=False,
                advice="Use logging.NullHandler or logging.StreamHandler for it in the settings "
                "for tests.",
            )


def _surveyed_addresses() -> Iterator[Shared]:
    """Other settings that have the address of a server which keeps what it is told."""
    from django.conf import settings

    told = {address for name in TOLD_APART for _, address in _texts(name, setting(name))}
    with warnings.catch_warnings():
        # Some settings are deprecated in some versions, which is not for us to say.
        warnings.simplefilter("ignore")
        # Django raises an error where somebody asks for a key that is empty.
        names = [name for name in sorted(dir(settings)) if name.isupper() and name != "SECRET_KEY"]
        values = {name: setting(name) for name in names if settings.is_overridden(name)}
    for name, value in values.items():
        if name in TOLD_APART:
            continue
        for place, text in _texts(name, value):
            scheme = text.partition("://")[0].lower() if "://" in text else ""
            is_host = place == name and scheme == "" and SHARED_HOST.fullmatch(name) is not None
            if text in told or not ((text and is_host) or scheme in SHARED_SCHEMES):
                continue
            yield Shared(
                setting=place,
                what=f"It leads to a server that all workers would use, {_shown(text)}.",
                separated=False,
                advice="If tests write there, give each worker a place of its own on it, with "
                f"worker.name in it, {BY_FUNCTION}.",
            )


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """All texts in a setting, each with where it is."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _texts(f"{name}[{key!r}]", one)
    elif isinstance(value, (list, tuple)):
        for index, one in enumerate(value):
            yield from _texts(f"{name}[{index}]", one)


def _shown(address: str) -> str:
    """An address without anything that might be a secret: host and port of a server, a path."""
    scheme, mark, rest = address.partition("://") if "://" in address else ("", "", address)
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0] if mark else rest
    beyond = rest[len(authority) :]
    # A password that should have been quoted, and was not, may look like the end of a host.
    host = "…" if "@" in beyond else authority.rpartition("@")[2]
    return f"{scheme}{mark}{host}"
