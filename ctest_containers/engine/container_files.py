"""The files of a container: those that differ from its image's, and those laid over them."""

from __future__ import annotations

import functools
import tarfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Final

from ctest_containers.engine.api import ContainerFiles
from ctest_containers.engine.changes import REMOVED, Changes, EditFile, Part, write_archive
from ctest_containers.engine.connection import DockerConnection
from ctest_containers.engine.sdk_errors import translated
from ctest_containers.engine.values import Container
from ctest_containers.errors import EngineError

CHUNK_BYTES: Final = 1 << 20

LARGE_BYTES: Final = 2**30
"""From this size of the image on, the changed files are read one by one."""

REMOVE_FIRST: Final = (
    "sh",
    "-c",
    'while IFS= read -r file; do rm -f -- "$file"; done < "$0"; exec "$@"',
)
"""Removes files before the first process of a container starts in its place."""


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
        """See `ContainerFiles`.

        A large folder is not read as a whole, but each changed file by itself.
        """
        with translated(f"reading the files of {container.name}"):
            is_large = self._image_bytes(container) > LARGE_BYTES
            with self._frozen(container):
                changes = Changes.of(self._client.api.diff(container.id) or [], folder, always)
                places = changes.places() if is_large else [PurePosixPath(folder)]
                read = functools.partial(self._read, container)
                try:
                    # One after the other: the engine locks the container until each is read.
                    write_archive(target, map(read, places), changes, edit)
                except tarfile.TarError as error:
                    raise EngineError(
                        f"The files of {container.name} cannot be read: {error}."
                    ) from error
        return target.stat().st_size

    def _image_bytes(self, container: Container) -> int:
        inspected = self._inspect(container.id) or {}
        return int(self._client.images.get(str(inspected.get("Image"))).attrs["Size"])

    def _read(self, container: Container, place: PurePosixPath) -> Part:
        """Begin to read a file or a folder of a container."""
        stream, _ = self._patient.api.get_archive(container.id, str(place), CHUNK_BYTES)
        return Part(place, stream)

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


_: type[ContainerFiles] = DockerContainerFiles
