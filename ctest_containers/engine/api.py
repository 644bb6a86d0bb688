"""What the rest of the toolkit asks of a container engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ctest_containers.engine.own_container import OwnContainer
from ctest_containers.engine.transports import ServerTransport
from ctest_containers.engine.values import (
    Container,
    ContainerSpec,
    ContainerState,
    ImageFacts,
    Travelled,
)


class Containers(Protocol):
    """The containers of an engine.

    Every method raises `EngineError` if the engine does not answer or refuses.
    """

    def start(self, spec: ContainerSpec) -> Container:
        """Start a container; it never pulls.

        Raises:
            ImageUnavailableError: The engine does not have the image.
        """

    def state(self, container: Container) -> ContainerState:
        """Whether a container runs, and what it wrote last."""

    def running_since(self, container_id: str) -> str:
        """When a container was started, as the engine writes it; empty if it does not run."""

    def log(self, container: Container) -> str:
        """Everything that a container has written, running or not."""

    def memory_bytes(self, container: Container) -> int:
        """The memory of a container's processes, without files that the kernel can drop."""

    def first_process(self, container: Container) -> int | None:
        """The process id of a running container's first process on the engine's machine."""

    def execute(self, container: Container, command: Sequence[str], stdin: bytes) -> None:
        """Run a command in a container, with this input.

        Raises:
            EngineError: It ended with another code than 0.
        """

    def stop(self, container: Container, seconds: float) -> int:
        """Stop a container with its own stop signal, and return its exit code.

        Args:
            seconds: The engine kills it after so long.
        """

    def remove(self, container: Container) -> None:
        """Remove a container and its anonymous volumes; it may be gone already."""

    def labelled(self, label: str) -> list[tuple[Container, dict[str, str]]]:
        """All containers, running or not, that have a label, with all their labels."""


class ContainerFiles(Protocol):
    """What containers have written.

    Every method raises `EngineError` if the engine does not answer or refuses.
    """

    def export_changes(
        self,
        container: Container,
        folder: str,
        target: Path,
        *,
        always: Collection[str] = (),
        edit: Callable[[str, bytes], bytes] | None = None,
    ) -> int:
        """Archive the files in a folder of a container that differ from its image.

        The container's processes stop meanwhile, so that the files fit one another.

        Args:
            target: Where to write the archive, which `ContainerSpec.laid_over` accepts.
            always: What the paths of other files that are archived begin with.
            edit: Returns what to archive for such a file, given its path and its contents.

        Returns:
            The size of the archive in bytes.

        Raises:
            OSError: The archive cannot be written.
        """


class Images(Protocol):
    """The images that an engine has.

    Every method raises `EngineError` if the engine does not answer or refuses.
    """

    def image_labels(self, image: str) -> dict[str, str] | None:
        """The labels of an image; None if the engine does not have it."""

    def image_facts(self, image: str) -> ImageFacts | None:
        """The facts of an image, without its own size; None if the engine does not have it."""

    def image_id(self, image: str) -> str:
        """The id of an image on this engine.

        Raises:
            ImageUnavailableError: The engine does not have the image.
        """

    def image_digest(self, image: str) -> str:
        """The digest that identifies an image's content on every machine, if the engine knows it.

        Raises:
            ImageUnavailableError: The engine does not have the image.
        """

    def build(self, folder: Path, image: str, labels: Mapping[str, str]) -> None:
        """Build an image from a folder with a Dockerfile, without pulling anything.

        Raises:
            ImageUnavailableError: The build failed; the message has its last lines.
        """

    def pull(self, image: str) -> None:
        """Get an image from the registry that its name says.

        Raises:
            ImageUnavailableError: The registry does not have it, or does not answer.
        """

    def commit(
        self, container: Container, labels: Mapping[str, str], environment: Mapping[str, str]
    ) -> str:
        """Make an image without a name of a container, and return the image's id.

        The container may be running; it is paused meanwhile.
        """

    def tag(self, image_id: str, image: str) -> None:
        """Give an image its name."""

    def remove_image(self, image_id: str) -> None:
        """Remove an image; it may be gone already."""

    def remove_unused_image(self, image: str) -> bool:
        """Remove an image by its name, unless a container is made from it; then return false."""

    def images(self, name: str, *, sizes: bool = False) -> list[ImageFacts]:
        """The images of this name, or of all that match it: `localhost/ctest/shop/*`.

        Args:
            sizes: Whether to read their own sizes, which takes a call for each.
        """

    def nameless_images(self, label: str) -> list[tuple[str, dict[str, str]]]:
        """The ids and labels of images that have a label, but no name."""


class ImageTransfer(Protocol):
    """Images on their way to registries and files, and back.

    Every method raises `EngineError` if the engine does not answer or refuses.
    """

    def push(self, image: str, target: str) -> Travelled:
        """Send an image to a registry under the name `target`.

        Raises:
            RegistryError: The registry does not answer, or refuses.
        """

    def fetch(self, source: str) -> Travelled | None:
        """Get an image from a registry; None if the registry does not have it.

        Raises:
            RegistryError: The registry does not answer, or refuses.
        """

    def save(self, image: str, file: Path) -> None:
        """Write an image with all its layers into a file."""

    def load(self, file: Path) -> str:
        """Read an image from a file of `save`, and return the image's temporary name.

        Raises:
            EngineError: The file holds something else, or names for images.
        """


class EngineHost(Protocol):
    """The machine that an engine is on, and how it is related to this process.

    Every method raises `EngineError` if the engine does not answer or refuses.
    """

    def choose_transport(self, folder: Path, wanted: str) -> ServerTransport:
        """How a process that has this folder for its run reaches servers.

        Args:
            wanted: `auto`, or the value of a transport.

        Raises:
            EngineError: No transport works, or the wanted one does not.
        """

    def is_here(self) -> bool:
        """Whether the engine's machine is the one that this process runs on."""

    def own_container(self) -> OwnContainer | None:
        """The engine's container that this process runs in; None if it runs in none."""

    def architecture(self) -> str:
        """The architecture of its machine's processor, such as amd64 or arm64."""

    def free_bytes(self) -> int | None:
        """Memory that its containers leave free; None if it shares this machine's memory."""


class ContainerEngine(Containers, ContainerFiles, Images, ImageTransfer, EngineHost, Protocol):
    """Everything that the toolkit asks of a container engine."""
