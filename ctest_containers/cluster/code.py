"""The project's code: what it is made of here, and whether another checkout has the same."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

NO_CODE: Final = frozenset(
    {"__pycache__", "node_modules", "venv", "env", "site-packages", "build", "dist"}
)
"""Folders that no checkout has; those whose names begin with a dot are left out, too."""

NO_CODE_SUFFIXES: Final = (".pyc", ".pyo", ".sqlite3", ".sqlite3-journal", ".log")

Manifest = Mapping[str, str]
"""The digest of each file, by its path below the project's folder."""


def manifest(folder: Path) -> dict[str, str]:
    """The files of a checkout: all that Git does not ignore; without Git, all but by-products."""
    return {
        name: digest
        for name in sorted(_files(folder))
        if (digest := _digest(folder / name)) is not None
    }


def differences(folder: Path, wanted: Manifest) -> Iterator[str]:
    """The files of a checkout that are not there, or are not as they should be."""
    for name, digest in wanted.items():
        if _digest(folder / name) != digest:
            yield name


def packed(folder: Path, wanted: Manifest) -> bytes:
    """An archive of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in wanted:
            archive.write(folder / name, name)
    return target.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of an archive, all of them or none.

    Raises:
        OSError: They cannot be written.
    """
    if folder.is_dir():
        return
    making = folder.with_name(f".{folder.name}.{os.getpid()}")
    making.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as packed_files:
        packed_files.extractall(making)
    try:
        making.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def digest_of(wanted: Manifest) -> str:
    """One digest of all files."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in wanted.items())
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _files(folder: Path) -> Iterator[str]:
    yield from _of_git(folder) or _found(folder)


def _of_git(folder: Path) -> list[str]:
    """What Git knows or would take; nothing where it does not know the folder."""
    git = shutil.which("git")
    if git is None or not any((one / ".git").exists() for one in (folder, *folder.parents)):
        return []
    done = subprocess.run(
        [git, "-C", str(folder), "ls-files", "-z", "-co", "--exclude-standard"],
        capture_output=True,
        check=False,
    )
    names = os.fsdecode(done.stdout).split("\0") if done.returncode == 0 else []
    return [name for name in names if name and not name.endswith(NO_CODE_SUFFIXES)]


def _found(folder: Path) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if one not in NO_CODE and not one.startswith(".")]
        for name in names:
            if not name.endswith(NO_CODE_SUFFIXES):
                yield str((Path(here) / name).relative_to(folder))


def _digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None
