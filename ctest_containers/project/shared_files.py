"""Files that all workers of a run would write: folders, storages and logs."""

from __future__ import annotations

import itertools
import logging
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ctest_containers.project.own_folders import (
    COPIED_BYTES,
    COPIED_FILES,
    contents_of,
    path_of,
    shared_folders,
    storage_specs,
    storages_made,
)
from ctest_containers.project.settings_lookup import class_at, setting
from ctest_containers.project.shared_resource import BY_FUNCTION, SharedResource


def folders() -> Iterator[SharedResource]:
    """The folders that settings name, each once."""
    apart_from = Path(tempfile.gettempdir())
    by_path = sorted(shared_folders(), key=lambda folder: folder.path)
    for path, same in itertools.groupby(by_path, key=lambda folder: folder.path):
        named = list(same)
        is_read = any(folder.is_read for folder in named)
        copied = not is_read or contents_of(path, apart_from=apart_from) is not None
        limits = f"{COPIED_FILES} files or {COPIED_BYTES // 2**20} MB"
        yield SharedResource(
            setting=", ".join(dict.fromkeys(folder.setting for folder in named)),
            what=f"Tests write files into the folder {path}.",
            separated=copied,
            advice=""
            if copied
            else f"It has more than {limits}, or files that cannot be copied, so all workers use "
            "the same folder. Set a smaller or an empty one in the settings for tests, or a copy "
            f"of it {BY_FUNCTION}.",
        )


def storages() -> Iterator[SharedResource]:
    """Storages elsewhere than in memory, and those that fields bring along."""
    from django.core.files.storage import FileSystemStorage, InMemoryStorage

    advice = (
        "Use django.core.files.storage.InMemoryStorage in the settings for tests, or put "
        f"worker.name into its location {BY_FUNCTION}."
    )
    for alias, spec in storage_specs().items():
        if alias == "staticfiles":
            continue  # Tests link to such files, and write none.
        backend = class_at(spec.get("BACKEND"))
        if backend is None or not issubclass(backend, (FileSystemStorage, InMemoryStorage)):
            yield SharedResource(
                setting=f"STORAGES[{alias!r}]",
                what=f"{spec.get('BACKEND')} stores files outside the worker.",
                separated=False,
                advice=advice,
            )
    for label, storage in _storages_in_code():
        if isinstance(storage, FileSystemStorage):
            if (path := path_of(getattr(storage, "_location", None))) is not None:
                yield SharedResource(
                    setting=label,
                    what=f"Files are stored in the folder {path}, which the code sets.",
                    separated=False,
                    advice="Set it in STORAGES, and take the field's storage from "
                    "django.core.files.storage.storages.",
                )
        elif not isinstance(storage, InMemoryStorage):
            kind = f"{type(storage).__module__}.{type(storage).__qualname__}"
            yield SharedResource(
                setting=label,
                what=f"{kind} stores files outside the worker.",
                separated=False,
                advice=advice,
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
            if not any(field.storage is storage for storage in made):
                yield f"{model._meta.label}.{field.name}", field.storage


def log_files() -> Iterator[SharedResource]:
    """The files of logging handlers."""
    configured = setting("LOGGING") or {}
    for name, handler in configured.get("handlers", {}).items():
        file = str(handler.get("filename", ""))
        kind = class_at(handler.get("class"))
        if kind is None or not issubclass(kind, logging.FileHandler):
            continue
        if file and not file.startswith("/dev/"):
            yield SharedResource(
                setting=f"LOGGING['handlers'][{name!r}]",
                what=f"All workers write into the file {file}, and a worker that rotates it moves "
                "it away from the others.",
                separated=False,
                advice="Use logging.NullHandler or logging.StreamHandler for it in the settings "
                "for tests.",
            )
