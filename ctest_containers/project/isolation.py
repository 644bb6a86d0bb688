"""Separates what workers would share besides databases: caches, folders, temporary files."""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ctest_containers.errors import UsageError
from ctest_containers.project.own_folders import (
    FOLDER_SETTINGS,
    copy_folders,
    move_storage,
    own_path,
    own_storages,
    shared_folders,
    storages_made,
)
from ctest_containers.project.own_servers import own_caches, own_channel_layers
from ctest_containers.project.settings_lookup import override, setting
from ctest_containers.recording.digests import OVERRIDDEN


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker process, as `worker_setup` functions see it.

    Attributes:
        number: The worker's number, from 1. A process that replaces another one has the same
            number.
        run: The ID of the run.
        folder: The worker's own folder, which is removed after the run.
        process: Which of the processes with this number it is, from 1. Each one starts clean,
            without anything that an earlier one left.
    """

    number: int
    run: str
    folder: Path
    process: int = 1

    @property
    def name(self) -> str:
        """A name that no other process of any run has, in lower-case letters, digits, hyphens."""
        return f"ctest-{self.run}-{self.number}-{self.process}"


class SetupFailure(BaseException):  # No `except Exception` may catch it.
    """The project's `worker_setup` function has failed; the message has its traceback."""


def close_inherited_caches() -> None:
    """Close connections to caches after a fork, so that no two processes share one."""
    from django.core.cache import close_caches

    close_caches()


def separate(worker: Worker, *, temporary_files: bool) -> None:
    """Give a worker its own caches, folders and channel layers, as far as settings allow.

    The configured folders are read, not written. What cannot be separated stays shared.

    Args:
        temporary_files: Whether it gets its own folder for temporary files, too.
    """
    if temporary_files:
        folder = worker.folder / "tmp"
        folder.mkdir(parents=True)
        os.environ["TMPDIR"] = tempfile.tempdir = str(folder)
    own = copy_folders(shared_folders(), worker.folder)
    changes = {
        "CACHES": own_caches(worker.name, own),
        "STORAGES": own_storages(own),
        "CHANNEL_LAYERS": own_channel_layers(worker.name),
        **{name: own_path(setting(name), own) for name in FOLDER_SETTINGS},
    }
    changes = {name: value for name, value in changes.items() if value != setting(name)}
    if "MEDIA_ROOT" in changes:
        # A custom storage may have read its location from there when it was created.
        changes.setdefault("STORAGES", dict(setting("STORAGES")))
    made = storages_made()
    if changes:
        _override(changes)
    for storage in made:
        move_storage(storage, own)


def worker_function(path: str) -> Callable[[Worker], object]:
    """Import the project's `worker_setup` function.

    Raises:
        UsageError: There is no such function.
    """
    from django.utils.module_loading import import_string

    named = f"The function {path!r}, which worker_setup names, "
    try:
        named_object = import_string(path)
    except Exception as error:
        reason = (
            str(error) if isinstance(error, ImportError) else f"{type(error).__name__}: {error}"
        )
        raise UsageError(
            f"{named}cannot be imported: {reason}.",
            "Give its dotted path, such as shop.testing.prepare_worker, with the option "
            '--worker-setup or in CTEST_CONTAINERS = {"WORKER_SETUP": …}.',
        ) from error
    if not callable(named_object):
        raise UsageError(
            f"{named}is not a function, but {type(named_object).__name__}.",
            "Name a function that takes a ctest_containers.Worker.",
        )
    function: Callable[[Worker], object] = named_object
    return function


def set_up(path: str, worker: Worker) -> None:
    """Call the project's `worker_setup` function.

    Raises:
        SetupFailure: It has raised something, whatever it was.
    """
    try:
        worker_function(path)(worker)
    except BaseException as error:
        # The toolkit's own frames would only distract.
        trace = error.__traceback__ and error.__traceback__.tb_next
        lines = traceback.format_exception(type(error), error, trace)
        raise SetupFailure(
            f"The function {path!r}, which worker_setup names, failed in worker {worker.number}:\n"
            + "".join(lines).rstrip()
        ) from error


def _override(changes: Mapping[str, Any]) -> None:
    """Change settings, and reset everything that Django has cached of the old ones."""
    from django.conf import settings

    OVERRIDDEN.update({name: setting(name) for name in changes})
    override(changes)
    # Django 4.2 would take these for the user's, and ignore the options of STORAGES.
    for name in ("DEFAULT_FILE_STORAGE", "STATICFILES_STORAGE"):
        vars(settings._wrapped).pop(name, None)
    sessions = sys.modules.get("django.contrib.sessions.backends.file")
    if sessions is not None and "_storage_path" in vars(sessions.SessionStore):
        del sessions.SessionStore._storage_path
