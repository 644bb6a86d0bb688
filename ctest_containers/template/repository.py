"""The templates on this machine: images on the engine, and folders of SQLite files."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ctest_containers.backends.catalog import Catalog
from ctest_containers.engine import labels
from ctest_containers.engine.values import ImageFacts, Travelled
from ctest_containers.errors import CtestError
from ctest_containers.model import SQLITE
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import (
    DropName,
    FindImage,
    FindTemplate,
    ListImages,
    NameImage,
    RemoveImage,
)
from ctest_containers.template import share
from ctest_containers.template.check import check, read_databases
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.stored import (
    StoredTemplate,
    forget,
    from_files,
    from_folder,
    from_images,
    remove_files,
    to_prune,
)
from ctest_containers.text import slug

NO_TEMPLATE: Final = "It is not a template."


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRepository:
    """The templates and layers on this machine.

    Attributes:
        folder: The toolkit's cache folder of this user.
        host: Returns the server host, and starts it if it does not run yet.
        server_timeout_seconds: How long a server may take to start that reads a template.
    """

    folder: Path
    host: Callable[[], ServerHostClient]
    server_timeout_seconds: float

    def files(self, template: ProjectTemplate) -> Path:
        """Return the folder of an SQLite template."""
        return self.files_of(template.project) / template.fingerprint

    def files_of(self, project: str) -> Path:
        """Return the folder that contains the folders of a project's SQLite templates."""
        return self.folder / "sqlite" / slug(project)

    def stored(
        self, project: str = "*", *, engine: bool = True, sizes: bool = False
    ) -> list[StoredTemplate]:
        """Return the stored templates and layers.

        Args:
            project: The name of a project, or `*` for all projects.
            engine: Whether to include the engine's images.
            sizes: Whether to ask for the sizes of images; otherwise, they are 0.
        """
        name = project if project == "*" else slug(project)
        images = self._images(f"{labels.NAMESPACE}/{name}/*", sizes=sizes) if engine else []
        everything = [*from_images(images, self.folder), *from_files(self.folder)]
        return [stored for stored in everything if name in ("*", stored.project)]

    def find(self, template: ProjectTemplate) -> StoredTemplate | None:
        """Return a template as it is stored; None if it is not."""
        if not template.group.has_server:
            folder = str(self.files(template))
            templates = from_files(self.folder)
            return next((stored for stored in templates if stored.source == folder), None)
        return self.image(template.image)

    def image(self, name: str) -> StoredTemplate | None:
        """Return the template with this image, without its size; None if it is not stored."""
        facts = self.host().call(FindImage(image=name), ANSWER_SECONDS)
        images = [] if facts is None else [ImageFacts(**facts)]
        return next(from_images(images, self.folder), None)

    def remove(self, stored: StoredTemplate) -> bool:
        """Remove a template unless a container uses it; return whether it is gone."""
        remove = RemoveImage(image=stored.source)
        if stored.has_server and not self.host().call(remove, ANSWER_SECONDS):
            return False
        try:
            forget(self.folder, stored)
        except OSError:
            return False
        return True

    def remove_layers(self, template: ProjectTemplate, before: float) -> None:
        """Remove the layers of a template's group that were made before a moment.

        Args:
            before: The moment, in seconds since the epoch.
        """
        group = template.group
        for stored in self.stored(template.project, engine=group.has_server):
            if stored.is_layer and stored.group == group.label and stored.created < before:
                self.remove(stored)

    def prune(self, project: str, *, engine: bool) -> list[tuple[StoredTemplate, str]]:
        """Remove what exceeds a project's default limits; return what is gone, and why."""
        excess = to_prune(self.stored(project, engine=engine, sizes=True))
        return [(stored, reason) for stored, reason in excess if self.remove(stored)]

    def problems(
        self, stored: StoredTemplate, migrations: Mapping[str, Iterable[str]] | None = None
    ) -> list[str]:
        """Return the problems of a template's databases, a sentence each.

        Args:
            migrations: The migrations that each database must have.
        """
        return check(
            stored,
            self.host,
            server_timeout_seconds=self.server_timeout_seconds,
            migrations=migrations or {},
        )

    def catalogs(self, stored: StoredTemplate) -> dict[str, Catalog]:
        """Return the catalogs of a template's databases, by their names."""
        timeout_seconds = self.server_timeout_seconds
        return read_databases(stored, self.host, server_timeout_seconds=timeout_seconds)[0]

    def pull(self, template: ProjectTemplate, registry: str) -> tuple[Travelled | None, list[str]]:
        """Pull a template from a registry, and store it if it has no problems.

        Returns:
            What travelled, None if the registry does not have it; and its problems.

        Raises:
            RegistryError: The registry does not answer, or refuses.
        """
        host = self.host()
        image = share.name_in(registry, template, host)
        travelled = share.pull(host, image)
        if travelled is None:
            return None, []
        image_labels = host.call(FindTemplate(image=image), ANSWER_SECONDS) or {}
        # Its name in a registry contains only its key.
        name = f"{template.repository}:{image_labels.get(labels.FINGERPRINT, '')}"
        name, problems = self._take_image(host, share.Loaded(name, template.group.vendor, image))
        return travelled, [f"{name}: {problem}" for problem in problems]

    def refuse(self, template: ProjectTemplate) -> None:
        """Withdraw a template, so that no run finds it; servers that use it keep running."""
        if template.group.has_server:
            self.host().call(DropName(image=template.image), ANSWER_SECONDS)
        else:
            remove_files(self.files(template))

    def load(self, file: Path) -> Iterator[tuple[str, list[str]]]:
        """Store the templates of a file; yield the name of each, and its problems.

        A template with problems is not stored.

        Raises:
            TemplateError: The file cannot be read.
        """
        parent = self.folder / "sqlite"
        parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="loading-", dir=parent) as folder:
            for loaded in share.load(self.host, file, Path(folder)):
                if loaded.vendor == SQLITE:
                    yield self._take_files(loaded)
                else:
                    yield self._take_image(self.host(), loaded)

    def _images(self, name: str, *, sizes: bool) -> list[ImageFacts]:
        images = self.host().call(ListImages(name=name, sizes=sizes), ANSWER_SECONDS)
        return [ImageFacts(**facts) for facts in images]

    def _take_files(self, loaded: share.Loaded) -> tuple[str, list[str]]:
        stored = from_folder(Path(loaded.source), self.folder)
        if stored is None or stored.is_layer:
            return loaded.name, [NO_TEMPLATE]
        problems = self.problems(stored)
        target = self.folder / "sqlite" / slug(stored.project) / slug(stored.fingerprint)
        if not problems and not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(loaded.source).rename(target)
        return stored.name, problems

    def _take_image(self, host: ServerHostClient, loaded: share.Loaded) -> tuple[str, list[str]]:
        """Give an image the name of a template if it is one, and remove its temporary name."""
        try:
            image_labels = host.call(FindTemplate(image=loaded.source), ANSWER_SECONDS) or {}
            facts = ImageFacts(
                name=loaded.name, id=loaded.source, labels=image_labels, created=time.time()
            )
            stored = next(from_images([facts], self.folder), None)
            if stored is None or stored.is_layer:
                return loaded.name, [NO_TEMPLATE]
            problems = self.problems(replace(stored, source=loaded.source))
            if not problems:
                host.call(NameImage(image=loaded.source, name=loaded.name), share.TRAVEL_SECONDS)
            return stored.name, problems
        finally:
            with suppress(CtestError):
                host.call(DropName(image=loaded.source), share.TRAVEL_SECONDS)
