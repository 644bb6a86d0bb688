"""What a container has changed in a folder of its image, as an archive."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

REMOVED: Final = "removed-files"
"""The member of an archive that lists files of the image which the container no longer has."""

ADDED: Final = 1
DELETED: Final = 2
"""The engine's kinds of changes; 0 is a file that was modified."""

COMPRESSION: Final = 1
"""Most of what servers write is zeros; a higher level of zlib only takes longer."""

BUFFER_BYTES: Final = 1 << 20

EditFile = Callable[[str, bytes], bytes]
"""Returns the contents to archive for a file, given its path in the folder and its contents."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a container has changed in a folder.

    Attributes:
        kinds: The kind of each change, by its path.
        always: What the paths in the folder begin with that are archived in any case.
    """

    folder: PurePosixPath
    kinds: Mapping[str, int]
    always: tuple[str, ...]

    @classmethod
    def of(cls, answer: Iterable[Mapping[str, Any]], folder: str, always: Iterable[str]) -> Changes:
        """Return the changes that the engine has listed."""
        kinds = {
            str(change["Path"]): int(change["Kind"])
            for change in answer
            if str(change["Path"]).startswith(f"{folder}/")
        }
        return cls(PurePosixPath(folder), kinds, tuple(always))

    @property
    def removed(self) -> list[str]:
        """The paths of the files that the container no longer has."""
        return [path for path, kind in self.kinds.items() if kind == DELETED]

    def is_always(self, path: PurePosixPath) -> bool:
        """Return whether a file is archived in any case."""
        inner = str(path.relative_to(self.folder))
        return bool(self.always) and inner.startswith(self.always)

    def has(self, path: PurePosixPath) -> bool:
        """Return whether a file or folder is archived."""
        return path != self.folder and (self.is_always(path) or str(path) in self.kinds)

    def places(self) -> list[PurePosixPath]:
        """Return files and new folders that together contain everything to archive."""
        changed = [PurePosixPath(path) for path, kind in self.kinds.items() if kind != DELETED]
        folders = {parent for path in map(PurePosixPath, self.kinds) for parent in path.parents}
        new = {path for path in changed if self.kinds[str(path)] == ADDED}
        places = [
            path
            for path in changed
            if (path in new or path not in folders)
            and new.isdisjoint(path.parents)
            and not self.is_always(path)
        ]
        return [*places, *(self.folder / prefix.rstrip("/") for prefix in self.always)]


@dataclass(frozen=True, slots=True)
class Part:
    """A file or a folder of a container, which is being read as an archive.

    Attributes:
        place: Its path.
        stream: The pieces of the archive.
    """

    place: PurePosixPath
    stream: Iterator[bytes]


def write_archive(
    target: Path, parts: Iterable[Part], changes: Changes, edit: EditFile | None
) -> None:
    """Write what has changed into a compressed archive, relative to the folder's own parent.

    Raises:
        OSError: It cannot be written.
        tarfile.TarError: A part is not an archive.
    """
    root = changes.folder.parent
    with tarfile.open(target, "w:gz", compresslevel=COMPRESSION) as archive:
        for part in parts:
            buffered = io.BufferedReader(_Pieces(part.stream), BUFFER_BYTES)
            with tarfile.open(fileobj=buffered, mode="r|") as members:
                for member in members:
                    path = part.place.parent / member.name
                    if not changes.has(path):
                        continue
                    member.name = str(path.relative_to(root))
                    content: Any = members.extractfile(member) if member.isfile() else None
                    if content is not None and edit is not None and changes.is_always(path):
                        data = edit(str(path.relative_to(changes.folder)), content.read())
                        member.size, content = len(data), io.BytesIO(data)
                    archive.addfile(member, content)
            # The engine waits until the padding at the end is read, too.
            for _ in part.stream:
                pass
        names = "".join(f"{name}\n" for name in changes.removed).encode()
        facts = tarfile.TarInfo(REMOVED)
        facts.size = len(names)
        facts.mode = 0o644
        archive.addfile(facts, io.BytesIO(names))


class _Pieces(io.RawIOBase):
    """The pieces of an answer of the engine as a file."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int:
        """See `io.RawIOBase`."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return 0
            self._rest = memoryview(piece)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count
