"""Gives a worker its own copies of the folders that tests write into."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctest_containers.project.settings_lookup import class_at, setting
from ctest_containers.text import slug

COPIED_FILES: Final = 1000
"""The most files and folders to copy for each worker, which takes half a second."""


COPIED_BYTES: Final = 50 * 2**20
"""The most bytes to copy for each worker, as temporary files may be in memory."""


FOLDER_SETTINGS: Final[Mapping[str, bool]] = {
    "MEDIA_ROOT": True,
    "FILE_UPLOAD_TEMP_DIR": False,
    "SESSION_FILE_PATH": False,
    "EMAIL_FILE_PATH": False,
}
"""Settings that name a folder, and whether tests may read files that are already in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder that the project's tests write into.

    Attributes:
        setting: The setting that names it.
        path: An absolute path.
        is_read: Whether tests may read files that are already in it.
    """

    setting: str
    path: Path
    is_read: bool


def shared_folders() -> list[Folder]:
    """All folders that the settings name."""
    named: list[tuple[str, object, bool]] = [
        (name, setting(name), is_read) for name, is_read in FOLDER_SETTINGS.items()
    ]
    named += [(f"STORAGES[{alias!r}]", location, True) for alias, location in _storage_locations()]
    named += [
        (f"CACHES[{alias!r}]", spec.get("LOCATION"), False)
        for alias, spec in (setting("CACHES") or {}).items()
        if keeps_files(class_at(spec.get("BACKEND")))
    ]
    return [
        Folder(setting=setting, path=path, is_read=is_read)
        for setting, value, is_read in named
        if (path := path_of(value)) is not None
    ]


def path_of(value: object) -> Path | None:
    """The absolute path that a setting names; None if it names none."""
    return Path(value).resolve() if isinstance(value, (str, Path)) and str(value) else None


def own_path(value: Any, own: Mapping[Path, Path]) -> Any:
    """A worker's value of a setting that names a folder, in the setting's type."""
    path = path_of(value)
    own_folder = None if path is None else own.get(path)
    return (
        value if own_folder is None else own_folder if isinstance(value, Path) else str(own_folder)
    )


def copy_folders(folders: Collection[Folder], target: Path) -> dict[Path, Path]:
    """Copy folders, and return the copies by their originals.

    Missing folders are not created, as Django creates those that it needs. Nested folders stay
    nested.
    """
    own: dict[Path, Path] = {}
    read = {folder.path for folder in folders if folder.is_read}
    for path in sorted({folder.path for folder in folders}, key=lambda path: len(path.parts)):
        contents = contents_of(path, apart_from=target) if path in read else []
        if contents is None:
            continue
        above = next((folder for folder in reversed(own) if path.is_relative_to(folder)), None)
        if above is None:
            own[path] = target / f"{len(own) + 1}-{slug(path.name)}"
        else:
            own[path] = own[above] / path.relative_to(above)
        if path.is_dir():
            own[path].mkdir(parents=True, exist_ok=True)
        for source in contents:
            copy = own[path] / source.relative_to(path)
            if source.is_dir():
                copy.mkdir(exist_ok=True)
            elif not copy.exists():
                # Another process may remove a file meanwhile.
                with suppress(FileNotFoundError):
                    shutil.copy2(source, copy)
    return own


def contents_of(folder: Path, *, apart_from: Path) -> list[Path] | None:
    """Everything in a folder, each item after the folder that it is in.

    Returns:
        None where it is too much to be copied, or cannot be.
    """
    if apart_from.resolve().is_relative_to(folder):
        return None
    contents: list[Path] = []
    size = 0
    try:
        for parent, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
            below = [Path(parent, name) for name in folders]
            if any(_leads_up(path) for path in below if path.is_symlink()):
                return None
            contents += below
            for file in (Path(parent, name) for name in files):
                if not file.exists():
                    continue  # A link that leads nowhere.
                status = file.stat()
                if not stat.S_ISREG(status.st_mode) or not os.access(file, os.R_OK):
                    return None
                size += status.st_size
                contents.append(file)
            if len(contents) > COPIED_FILES or size > COPIED_BYTES:
                return None
    except FileNotFoundError:
        pass
    except OSError:
        return None
    return contents


def _leads_up(link: Path) -> bool:
    return link.parent.resolve().is_relative_to(link.resolve())


def _raise(error: OSError) -> None:
    raise error


def storage_specs() -> Mapping[str, Any]:
    """The storages of the settings, by their aliases."""
    from django.core.files.storage import storages

    # In Django 4.2, this includes DEFAULT_FILE_STORAGE.
    return storages.backends


def _storage_locations() -> Iterator[tuple[str, object]]:
    """The aliases and locations of storages whose options name a folder."""
    from django.core.files.storage import FileSystemStorage

    for alias, spec in storage_specs().items():
        location = (spec.get("OPTIONS") or {}).get("location")
        backend = class_at(spec.get("BACKEND")) if location else None
        if backend is not None and issubclass(backend, FileSystemStorage):
            yield alias, location


def own_storages(own: Mapping[Path, Path]) -> Any:
    """The setting STORAGES for a worker that has these folders."""
    specs = dict(setting("STORAGES") or {})
    for alias, location in _storage_locations():
        options = {**specs[alias]["OPTIONS"], "location": own_path(location, own)}
        specs[alias] = {**specs[alias], "OPTIONS": options}
    return specs


def storages_made() -> list[Any]:
    """The storages of the settings that were created so far, which any code may hold."""
    from django.core.files.storage import storages

    return list(storages._storages.values())  # type: ignore[attr-defined]  # not in the stubs


def move_storage(storage: Any, own: Mapping[Path, Path]) -> None:
    """Point an existing storage, such as a model field's, at the worker's own folder."""
    from django.core.files.storage import FileSystemStorage

    if isinstance(storage, FileSystemStorage) and hasattr(storage, "_location"):
        storage._location = own_path(storage._location, own)
        for cached in ("base_location", "location"):
            vars(storage).pop(cached, None)


def keeps_files(backend: type | None) -> bool:
    """Whether a cache of this class is in a folder."""
    from django.core.cache.backends.filebased import FileBasedCache

    return backend is not None and issubclass(backend, FileBasedCache)
