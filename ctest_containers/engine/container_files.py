"""The files of a container: those that differ from its image's, and those laid over them."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Final

from ctest_containers.engine.api import ContainerFiles
from ctest_containers.engine.connection import DockerConnection
from ctest_containers.engine.sdk_errors import translated
from ctest_containers.engine.values import Container
from ctest_containers.errors import EngineError

REMOVED: Final = "removed-files"
"""The member of an archive that lists files of the image which the container no longer has."""

DELETED: Final = 2
"""The engine's kind of change for a file that was deleted."""

CHUNK_BYTES: Final = 1 << 20

COMPRESSION: Final = 1
"""Most of what servers write is zeros; a higher level of zlib only takes longer."""

REMOVE_FIRST: Final = (
    "sh",
    "-c",
    'while IFS= read -r file; do rm -f -- "$file"; done < "$0"; exec "$@"',
)
"""Removes files before the first process of a container starts in its place."""

EditFile = Callable[[str, bytes], bytes]
"""Returns the contents to archive for a file, given its path in the folder and its contents."""


class DockerContainerFiles(DockerConnection):
    """Archives and restores what a container has written."""

    def export_changes(
        self,
        container: Container,
        folder: str,
        target: Path,
        *,
        always: Collection[str] = (),
        edit: EditFile | None = None,
    ) -> int:
        """See `ContainerFiles`."""
        root = PurePosixPath(folder)
        with translated(f"reading the files of {container.name}"), self._frozen(container):
            changes = self._client.api.diff(container.id) or []
            stream, _ = self._patient.api.get_archive(container.id, folder, CHUNK_BYTES)
            changed = {str(change["Path"]) for change in changes}
            removed = [
                str(change["Path"])
                for change in changes
                if change["Kind"] == DELETED and str(change["Path"]).startswith(f"{folder}/")
            ]
            try:
                _write_changes(
                    stream,
                    target,
                    root,
                    changed=changed,
                    removed=removed,
                    always=tuple(always),
                    edit=edit,
                )
            except tarfile.TarError as error:
                raise EngineError(
                    f"The files of {container.name} cannot be read: {error}."
                ) from error
        return target.stat().st_size

    def lay_over(self, container_id: str, archive: Path, folder: str) -> None:
        """Write the files of an archive into a container that has not started."""
        with translated(f"laying files over {container_id[:12]}"), archive.open("rb") as content:
            self._patient.api.put_archive(container_id, str(PurePosixPath(folder).parent), content)

    def removing_first(self, image: str, folder: str) -> list[str]:
        """Return an entrypoint that removes what an archive lists, and then is the image's own."""
        with translated(f"inspecting {image}"):
            own: Sequence[str] = (
                self._client.images.get(image).attrs["Config"].get("Entrypoint") or ()
            )
        return [*REMOVE_FIRST, str(PurePosixPath(folder).parent / REMOVED), *own]

    @contextmanager
    def _frozen(self, container: Container) -> Iterator[None]:
        """Stop all processes of a container during the block."""
        self._client.api.pause(container.id)
        try:
            yield
        finally:
            self._client.api.unpause(container.id)


def _write_changes(
    stream: Any,
    target: Path,
    root: PurePosixPath,
    *,
    changed: Collection[str],
    removed: Sequence[str],
    always: tuple[str, ...],
    edit: EditFile | None,
) -> None:
    with (
        tarfile.open(fileobj=io.BufferedReader(_Pieces(stream), CHUNK_BYTES), mode="r|") as whole,
        tarfile.open(target, "w:gz", compresslevel=COMPRESSION) as archive,
    ):
        for member in whole:
            path = root.parent / member.name
            inner = str(path.relative_to(root)) if path != root else ""
            is_wanted = inner.startswith(always) if always else False
            if not is_wanted and str(path) not in changed:
                continue
            content = whole.extractfile(member) if member.isfile() else None
            if content is not None and edit is not None and is_wanted:
                data = edit(inner, content.read())
                member.size, content = len(data), io.BytesIO(data)
            archive.addfile(member, content)
        names = "".join(f"{name}\n" for name in removed).encode()
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


_: type[ContainerFiles] = DockerContainerFiles
