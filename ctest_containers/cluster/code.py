"""The project's code: which files it has here, and whether another checkout has the same ones."""

from __future__ import annotations

import hashlib
import io
import os
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from ctest_containers.project.git import git, listed_names

NO_CODE: Final = frozenset(
    {"__pycache__", "node_modules", "venv", "env", "site-packages", "build", "dist"}
)
"""Folders that are not code; hidden folders are left out, too."""

NO_CODE_SUFFIXES: Final = (".pyc", ".pyo", ".sqlite3", ".sqlite3-journal", ".log")

Manifest = Mapping[str, str]
"""The digest of each file, by its path below the project's folder."""


def manifest(folder: Path) -> dict[str, str]:
    """Return the files of a checkout that Git does not ignore; without Git, all but by-products."""
    return {
        name: digest
        for name in sorted(files(folder))
        if (digest := _digest(folder / name)) is not None
    }


def differences(folder: Path, files: Manifest) -> Iterator[str]:
    """Yield the files that a checkout lacks, or has with other contents."""
    for name, digest in files.items():
        if _digest(folder / name) != digest:
            yield name


def packed(folder: Path, files: Manifest) -> bytes:
    """Return a ZIP archive of these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files:
            archive.write(folder / name, name)
    return target.getvalue()


def unpack(archive: bytes, folder: Path) -> None:
    """Write the files of an archive, all of them or none.

    Raises:
        OSError: They cannot be written.
    """
    if folder.is_dir():
        return
    unpacked = folder.with_name(f".{folder.name}.{os.getpid()}")
    unpacked.mkdir(parents=True)
    with zipfile.ZipFile(io.BytesIO(archive)) as packed_files:
        packed_files.extractall(unpacked)
    try:
        unpacked.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def digest_of(files: Manifest) -> str:
    """Return one digest for all files."""
    lines = "".join(f"{digest}  {name}\n" for name, digest in files.items())
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def files(folder: Path) -> Iterator[str]:
    """Yield the files that Git does not ignore; without Git, all but by-products."""
    yield from _of_git(folder) or _of_walk(folder)


def _of_git(folder: Path) -> list[str]:
    """Return tracked and untracked files that Git does not ignore; none outside a repository."""
    listed = git(folder, "ls-files", "-z", "-co", "--exclude-standard")
    return [name for name in listed_names(listed) if not name.endswith(NO_CODE_SUFFIXES)]


def _of_walk(folder: Path) -> Iterator[str]:
    for here, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in NO_CODE and name[0] != "."]
        for name in names:
            if not name.endswith(NO_CODE_SUFFIXES):
                yield str((Path(here) / name).relative_to(folder))


def _digest(file: Path) -> str | None:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return None
