"""Sends images to registries and files, and gets them from there."""

from __future__ import annotations

import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import docker.errors

from ctest_containers.engine.api import ImageTransfer
from ctest_containers.engine.image_file import refuse_names
from ctest_containers.engine.images import DockerImages
from ctest_containers.engine.sdk_errors import registry_translated, translated
from ctest_containers.engine.values import Travelled
from ctest_containers.errors import EngineError, RegistryError

ABSENT: Final = ("manifest unknown", "not found", "name unknown")
"""What registries answer about an image that they do not have."""

LAYER_ENDS: Final = frozenset({"Pushed", "Pull complete", "Layer already exists", "Already exists"})
"""The last status that the engine reports for a layer."""

LOADING: Final = "localhost/ctest-loading"
"""The name of an image that was read from a file and is not checked yet."""


class DockerImageTransfer(DockerImages):
    """Uses the credentials of `docker login`."""

    def push(self, image: str, target: str) -> Travelled:
        """See `ImageTransfer`."""
        repository, _, tag = target.rpartition(":")
        self.tag(image, target)
        try:
            with registry_translated(f"pushing {target}"):
                answers = self._patient.api.push(repository, tag=tag, stream=True, decode=True)
                statuses = _statuses(answers)
        finally:
            # Only the name is ours to remove: the image has another one.
            with translated(f"removing the name {target}"), suppress(docker.errors.ImageNotFound):
                self._client.images.remove(target, force=False, noprune=True)
        sent = statuses.count("Pushed")
        return Travelled(layers=sent, present=len(statuses) - sent)

    def fetch(self, source: str) -> Travelled | None:
        """See `ImageTransfer`."""
        repository, _, tag = source.rpartition(":")
        try:
            with registry_translated(f"pulling {source}"):
                answers = self._patient.api.pull(repository, tag=tag, stream=True, decode=True)
                statuses = _statuses(answers)
        except RegistryError as error:
            if any(answer in error.message.lower() for answer in ABSENT):
                return None
            raise
        received = statuses.count("Pull complete")
        return Travelled(layers=received, present=len(statuses) - received)

    def save(self, image: str, file: Path) -> None:
        """See `ImageTransfer`; the file has the image without its name."""
        try:
            with translated(f"saving {image}"):
                inspected = self._patient.images.get(image)
                with file.open("wb") as out:
                    out.writelines(self._patient.api.get_image(str(inspected.id)))
        except OSError as error:
            raise EngineError(f"{file} cannot be written: {error}.") from error

    def load(self, file: Path) -> str:
        """See `ImageTransfer`; without a name, the image would be taken for half-made."""
        refuse_names(file)
        name = f"{LOADING}:{secrets.token_hex(8)}"
        with translated(f"loading {file}"), file.open("rb") as content:
            (loaded,) = self._patient.images.load(content)
            self.tag(str(loaded.id), name)
        return name


def _statuses(answers: Any) -> list[str]:
    """The last status of each layer, from the engine's stream of answers."""
    statuses: list[str] = []
    for answer in answers:
        if "error" in answer:
            raise EngineError(str(answer["error"]))
        status = str(answer.get("status", ""))
        if status in LAYER_ENDS or status.startswith("Mounted from"):
            statuses.append(status)
    return statuses


_: type[ImageTransfer] = DockerImageTransfer
