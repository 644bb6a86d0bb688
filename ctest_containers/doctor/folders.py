"""The folders that runs write into: temporary files, sockets, the cache; and what is free there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, note, ok, warning
from ctest_containers.engine.folders import LONGEST, PREFIX
from ctest_containers.model import SOCKET_PATH_LIMIT
from ctest_containers.text import size

FEW_BYTES: Final = 512 * 2**20
"""With less than this, a run may fill the disk of a folder of this machine."""

TOO_FEW_BYTES: Final = 16 * 2**20
"""With less than this, nothing can be kept there."""

ENGINE_FEW_BYTES: Final = 2 * 2**30
"""The same for the engine: an image of its own takes 0.4 GiB and every worker some 50 MiB."""

ENGINE_TOO_FEW_BYTES: Final = 256 * 2**20

FEW_FILES: Final = 10_000
"""Files that a disk can still take; below this it is full, whatever room there is."""

NO_RUN: Final = "0" * 8
"""As long as the id of a run."""


def check_temporary_folder(context: DoctorContext) -> Iterator[Finding]:
    """Check the folder for temporary files: socket paths have to fit, and tests write there."""
    wanted, used = os.environ.get("TMPDIR", ""), Path(tempfile.gettempdir())
    if wanted and Path(wanted).resolve() != used.resolve():
        yield warning(
            Area.MACHINE,
            f"The folder TMPDIR={wanted} is not writable, so {used} is used.",
            f"Run `mkdir -p {wanted}` and make it writable, or run `unset TMPDIR`.",
        )
    if not context.needs_engine:
        yield from _room("Temporary files", used, context)
        return
    length = len(os.fsencode(used / f"{PREFIX}{NO_RUN}")) + len(LONGEST)
    if length > SOCKET_PATH_LIMIT:
        yield note(
            Area.MACHINE,
            f"The path of a socket in {used} would have {length} bytes, more than the limit of "
            f"{SOCKET_PATH_LIMIT}, so sockets go to /tmp.",
            "To put them elsewhere, set TMPDIR to another folder with a short path.",
        )
        if not os.access("/tmp", os.W_OK):  # noqa: S108  # Where runs have their folders then.
            yield error(
                Area.MACHINE,
                "/tmp is not writable, so there is no folder for sockets.",  # noqa: S108
                "Set TMPDIR to a folder of yours with a short path: `export TMPDIR=$HOME/tmp`.",
            )
    if _forbids_programs(used):
        yield note(
            Area.MACHINE,
            f"Programs in {used} cannot be executed (noexec). The toolkit runs none there, but "
            "tests may.",
            "If such tests fail, run `export TMPDIR=$HOME/tmp`.",
        )
    yield from _room("Temporary files", used, context)


def check_cache(context: DoctorContext) -> Iterator[Finding]:
    """Check the folder of SQLite's templates, timings, logs and locks."""
    there = _existing(context.cache)
    if not os.access(there, os.W_OK | os.X_OK) or not there.is_dir():
        yield error(
            Area.MACHINE,
            f"The cache folder {context.cache} is not writable, so templates cannot be built.",
            "Choose another folder, such as `export "
            f"XDG_CACHE_HOME={tempfile.gettempdir()}/cache`, or make {there} writable.",
        )
        return
    logs = context.cache / "runs"
    if logs.exists() and context.config.event_logs and not os.access(logs, os.W_OK | os.X_OK):
        yield warning(
            Area.MACHINE,
            f"The folder of event logs {logs} is not writable, so runs write none.",
            f"Make it writable (`sudo chown -R $USER {logs}`), or use `--event-logs 0`.",
        )
    yield from _room("The cache", context.cache, context)


def check_engine_disk(context: DoctorContext) -> Iterator[Finding]:
    """Check the free space where the engine keeps images and the data of its containers."""
    root = Path(context.facts.root) if context.facts is not None and context.facts.root else None
    if root is None or context.engine is None or not context.engine.is_here():
        return
    try:
        free = shutil.disk_usage(root).free
    except OSError:
        return
    yield from _judged(
        "The engine",
        root,
        free,
        few=ENGINE_FEW_BYTES,
        too_few=ENGINE_TOO_FEW_BYTES,
        fix="Free space on its disk: `docker system df` shows what uses it; `python -m "
        "ctest_containers template prune` and `docker image prune` remove unused images.",
        vital=context.needs_engine,
    )


def _room(what: str, folder: Path, context: DoctorContext) -> Iterator[Finding]:
    there = _existing(folder)
    try:
        free, files = shutil.disk_usage(there).free, _free_files(there)
    except OSError:
        return
    fix = f"Free space on the disk of {there}, or choose another folder with " + (
        "XDG_CACHE_HOME." if folder == context.cache else "TMPDIR."
    )
    if files is not None and files < FEW_FILES:
        yield warning(
            Area.MACHINE,
            f"{folder} has room for only {files} more files, whatever their size.",
            fix,
        )
    yield from _judged(
        what, folder, free, few=FEW_BYTES, too_few=TOO_FEW_BYTES, fix=fix, vital=True
    )


def _judged(
    what: str, folder: Path, free: int, *, few: int, too_few: int, fix: str, vital: bool
) -> Iterator[Finding]:
    has = f"{what} can use {size(free)} in {folder}"
    if free >= few:
        yield ok(Area.MACHINE, f"{has}.")
    elif free >= too_few or not vital:
        yield warning(Area.MACHINE, f"{has}; below {size(few)} a run may fill it.", fix)
    else:
        yield error(Area.MACHINE, f"{has}, which is not enough.", fix)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    for ancestor in (folder, *folder.parents):
        try:
            ancestor.stat()
        except FileNotFoundError:
            continue
        except OSError:
            return ancestor
        return ancestor
    return folder


def _free_files(folder: Path) -> int | None:
    """How many more files fit on a disk; None if it does not report that."""
    if not hasattr(os, "statvfs"):
        return None
    disk = os.statvfs(folder)
    return disk.f_favail if disk.f_files else None


def _forbids_programs(folder: Path) -> bool:
    return hasattr(os, "ST_NOEXEC") and bool(os.statvfs(folder).f_flag & os.ST_NOEXEC)
