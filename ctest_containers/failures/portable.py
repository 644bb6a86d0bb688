"""A kept failure in one file, to be opened on another machine.

The file is a compressed tar archive: `failure.json` comes first, then the members that it names. It
holds what the failure's databases have beyond their templates (for SQLite, whole databases), so
rows of tests are in it.
"""

from __future__ import annotations

import os
import re
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from ctest_containers.backends import vendor_named
from ctest_containers.errors import UsageError
from ctest_containers.failures.model import KeptDatabases, KeptFailure
from ctest_containers.failures.store import FACTS, Stored

SUFFIX: Final = ".ctest-failure"

MOST_FACTS_BYTES: Final = 64 * 2**20
"""How large `failure.json` may be; it contains uncommitted rows."""

MOST_BYTES: Final = 8 * 2**30
"""How large all members together may be when unpacked."""

PIECE_BYTES: Final = 2**20

FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}")

MEMBER: Final = re.compile(r"(?!\.)[^/\x00]{1,200}")
"""The names that members may have, none of which leads out of their folder."""


def export(stored: Stored, differences: Mapping[str, str], target: Path) -> Path:
    """Write a failure to a file, and return the file.

    Args:
        differences: The difference from the template in rows, as JSON, by the label of each group
            of databases on a server; with it, the file can be opened where the template has been
            built again.
        target: The folder of the file, which is created if necessary.

    Raises:
        OSError: The file cannot be written.
    """
    failure = replace(
        stored.failure,
        databases=tuple(
            _with_rows(databases, differences.get(databases.group, ""))
            for databases in stored.failure.databases
        ),
    )
    target.mkdir(parents=True, exist_ok=True)
    file = target / f"{_file_name(failure)}{SUFFIX}"
    # A program that collects the files of the folder never takes an incomplete one.
    incomplete = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        # Rows of tests are in it.
        incomplete.touch(mode=0o600, exist_ok=False)
        with tarfile.open(incomplete, "w:gz") as archive:
            _add_text(archive, FACTS, failure.to_json())
            for databases in failure.databases:
                for name in databases.members:
                    if name == databases.rows and name:
                        _add_text(archive, name, differences[databases.group])
                    else:
                        archive.add(stored.folder / name, name, filter=_anonymous)
        incomplete.replace(file)
    finally:
        incomplete.unlink(missing_ok=True)
    return file


def read(file: Path, folder: Path) -> Stored:
    """Unpack the failure of a file into a folder that only this user can write to.

    Raises:
        UsageError: The file was not written by `export`, or its contents do not fit.
    """
    try:
        with tarfile.open(file, "r:gz") as archive:
            failure = _read_facts(archive)
            missing = {name for databases in failure.databases for name in databases.members}
            left = MOST_BYTES
            for member in archive:
                if member.name == FACTS:
                    continue
                if member.name not in missing:
                    raise ValueError(f"it has an unexpected member {member.name!r}")
                content = archive.extractfile(member) if member.isreg() else None
                if content is None:
                    raise ValueError(f"its member {member.name!r} is not a file")
                missing.remove(member.name)
                with content:
                    left -= _unpack(content, folder / member.name, left)
            if missing:
                raise ValueError(f"its member {min(missing)!r} is missing")
            (folder / FACTS).write_text(failure.to_json(), encoding="utf-8")
    except (OSError, EOFError, tarfile.TarError, zlib.error, ValueError) as error:
        raise UsageError(
            f"{file} cannot be opened as a failed test: {error}.",
            "Name a test, or a file that --keep-failed-dir wrote.",
        ) from error
    return Stored(failure, folder)


def _with_rows(databases: KeptDatabases, rows: str) -> KeptDatabases:
    return replace(databases, rows=f"{databases.group}-rows.json") if rows else databases


def _file_name(failure: KeptFailure) -> str:
    test = re.sub(r"[^\w.-]+", "-", failure.test_id, flags=re.ASCII).strip("-.")[-120:]
    return f"{failure.name}-{test}"


def _add_text(archive: tarfile.TarFile, name: str, text: str) -> None:
    data = text.encode()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    archive.addfile(member, BytesIO(data))


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who owns a file."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _read_facts(archive: tarfile.TarFile) -> KeptFailure:
    member = archive.next()
    content = archive.extractfile(member) if member is not None and member.isreg() else None
    if member is None or content is None or member.name != FACTS:
        raise ValueError(f"it does not begin with {FACTS}")
    if member.size > MOST_FACTS_BYTES:
        raise ValueError(f"its {FACTS} is too large")
    failure = KeptFailure.from_json(content.read().decode())
    for databases in failure.databases:
        _check_names(databases)
    names = [name for databases in failure.databases for name in databases.members]
    for name in names:
        if not MEMBER.fullmatch(name) or name == FACTS or names.count(name) > 1:
            raise ValueError(f"it names an invalid member {name!r}")
    return failure


def _check_names(databases: KeptDatabases) -> None:
    """Check what becomes a part of paths."""
    vendor_named(databases.plan.vendor)
    if type(databases.plan.number) is not int:
        raise ValueError(f"{databases.plan.number!r} is not the number of a group")
    if not FINGERPRINT.fullmatch(databases.fingerprint):
        raise ValueError(f"{databases.fingerprint!r} is not a fingerprint")


def _unpack(content: IO[bytes], target: Path, limit: int) -> int:
    """Write a member to a new file, and return its size in bytes."""
    size = 0
    with target.open("xb") as out:
        while piece := content.read(PIECE_BYTES):
            size += len(piece)
            if size > limit:
                raise ValueError(f"it is larger than {MOST_BYTES / 2**30:g} GiB")
            out.write(piece)
    return size
