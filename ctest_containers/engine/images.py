"""Docker's images: found, built, made of containers, named and removed."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import docker.errors
from testcontainers.core.labels import LABEL_SESSION_ID

from ctest_containers.engine.api import Images
from ctest_containers.engine.connection import DockerConnection
from ctest_containers.engine.sdk_errors import translated
from ctest_containers.engine.values import Container, ImageFacts
from ctest_containers.errors import EngineError, ImageUnavailableError


class DockerImages(DockerConnection):
    """The images that the engine has."""

    def image_labels(self, image: str) -> dict[str, str] | None:
        """See `Images`."""
        with translated(f"looking for {image}"):
            try:
                return dict(self._client.images.get(image).labels)
            except docker.errors.ImageNotFound:
                return None

    def image_facts(self, image: str) -> ImageFacts | None:
        """See `Images`."""
        with translated(f"looking for {image}"):
            try:
                found = self._client.images.get(image)
            except docker.errors.ImageNotFound:
                return None
        # In nanoseconds, but lists of images only have seconds.
        created = datetime.fromisoformat(f"{found.attrs['Created'][:19]}+00:00").timestamp()
        return ImageFacts(name=image, id=str(found.id), labels=dict(found.labels), created=created)

    def image_id(self, image: str) -> str:
        """See `Images`."""
        with translated(f"looking for {image}"):
            return str(self._client.images.get(image).id)

    def image_digest(self, image: str) -> str:
        """See `Images`."""
        with translated(f"looking for {image}"):
            inspected = self._client.images.get(image)
        names = inspected.attrs.get("RepoDigests") or []
        digests = [str(name).partition("@") for name in names]
        repository = image.rpartition(":")[0] or image
        # The same image may have been pushed elsewhere, too; where it comes from counts.
        own = [digest for name, _, digest in digests if name == repository]
        return (own or sorted(digest for *_, digest in digests) or [str(inspected.id)])[0]

    def build(self, folder: Path, image: str, labels: Mapping[str, str]) -> None:
        """See `Images`."""
        with translated(f"building {image}"):
            self._patient.images.build(
                path=str(folder), tag=image, labels=dict(labels), rm=True, forcerm=True, pull=False
            )

    def pull(self, image: str) -> None:
        """See `Images`."""
        try:
            with translated(f"pulling {image}"):
                self._patient.images.pull(image)
        except EngineError as error:
            raise ImageUnavailableError(
                f"The image {image} is not on the engine and cannot be pulled: {error.message}",
                "Check its name and the engine's access to the registry.",
            ) from error

    def commit(
        self, container: Container, labels: Mapping[str, str], environment: Mapping[str, str]
    ) -> str:
        """See `Images`.

        A commit inherits labels and environment, so what must not be inherited is set to nothing:
        a session's label would let testcontainers' reaper take the image away with the session.
        """
        reset = {LABEL_SESSION_ID: "", **labels}
        configuration = {"Labels": reset, "Env": [f"{k}={v}" for k, v in environment.items()]}
        with translated(f"committing {container.name}"):
            answer = self._patient.api.commit(container.id, conf=configuration)
        return str(answer["Id"])

    def tag(self, image_id: str, image: str) -> None:
        """See `Images`."""
        repository, _, tag = image.rpartition(":")
        with translated(f"naming {image}"):
            self._client.api.tag(image_id, repository, tag)

    def remove_image(self, image_id: str) -> None:
        """See `Images`."""
        with translated(f"removing the image {image_id}"), suppress(docker.errors.NotFound):
            self._client.images.remove(image_id, force=True)

    def remove_unused_image(self, image: str) -> bool:
        """See `Images`."""
        with translated(f"removing the image {image}"):
            try:
                self._client.images.remove(image, force=False)
            except docker.errors.NotFound:
                return True
            except docker.errors.APIError as error:
                if error.status_code == HTTPStatus.CONFLICT:
                    return False
                raise
        return True

    def images(self, name: str, *, sizes: bool = False) -> list[ImageFacts]:
        """See `Images`."""
        with translated(f"listing the images of {name}"):
            entries: list[Any] = self._client.api.images(name=name)
        return [
            ImageFacts(
                name=str(tag),
                id=str(entry["Id"]),
                labels=dict(entry["Labels"] or {}),
                created=float(entry["Created"]),
                own_size=size,
            )
            for entry in entries
            if (size := self._own_size(str(entry["Id"])) if sizes else 0) is not None
            for tag in entry["RepoTags"] or ()
        ]

    def _own_size(self, image_id: str) -> int | None:
        """The bytes of an image's last layer; None if the image was removed meanwhile."""
        history: Any = self._client.api.history
        try:
            with translated(f"asking about {image_id}"):
                return int(history(image_id)[0]["Size"])
        except ImageUnavailableError:
            return None

    def nameless_images(self, label: str) -> list[tuple[str, dict[str, str]]]:
        """See `Images`."""
        with translated("listing images"):
            images = self._client.images.list(filters={"label": label, "dangling": True})
        return [(str(image.id), dict(image.labels)) for image in images]


_: type[Images] = DockerImages
