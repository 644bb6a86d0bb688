"""The repository of templates: the engine's images, and for SQLite a folder of files."""

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
from ctest_containers.engine.api import ImageFacts, Travelled
from ctest_containers.errors import CtestError
from ctest_containers.model import SQLITE
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import (
    DropName,
    FindTemplate,
    ListImages,
    NameImage,
    RemoveImage,
)
from ctest_containers.template import share
from ctest_containers.template.check import check, look_into
from ctest_containers.template.identity import Template
from ctest_containers.template.stored import (
    StoredTemplate,
    forget,
    from_files,
    from_folder,
    from_images,
    take_away,
    to_prune,
)
from ctest_containers.text import slug

NO_TEMPLATE: Final = "It is no template."


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRepository:
    """The templates that exist on this machine.

    Attributes:
        folder: The toolkit's cache folder of this user.
        host: Gives the server host, starting it when it does not run yet.
        server_timeout_seconds: What a server may take to start that is to look into a template.
    """

    folder: Path
    host: Callable[[], ServerHostClient]
    server_timeout_seconds: float

    def files(self, template: Template) -> Path:
        """The folder of an SQLite template."""
        return self.files_of(template.project) / template.fingerprint

    def files_of(self, project: str) -> Path:
        """Where the folders of a project's SQLite templates are."""
        return self.folder / "sqlite" / slug(project)

    def kept(
        self, project: str = "*", *, engine: bool = True, sizes: bool = False
    ) -> list[StoredTemplate]:
        """The templates and layers that exist, of one project or of all.

        Args:
            engine: Whether the engine is asked for its images, too.
            sizes: Whether their sizes are wanted; without, images have none.
        """
        name = project if project == "*" else slug(project)
        images = self._images(f"{labels.NAMESPACE}/{name}/*", sizes=sizes) if engine else []
        found = [*from_images(images, self.folder), *from_files(self.folder)]
        return [one for one in found if project == "*" or one.project == slug(project)]

    def find(self, template: Template) -> StoredTemplate | None:
        """The same of one that a project wants; None if it does not exist."""
        if not template.group.has_server:
            folder = str(self.files(template))
            return next((one for one in from_files(self.folder) if one.source == folder), None)
        return next(from_images(self._images(template.image, sizes=True), self.folder), None)

    def remove(self, kept: StoredTemplate) -> bool:
        """Give a template up, unless a container uses it; gives whether it is gone."""
        if kept.has_server and not self.host().call(RemoveImage(image=kept.source), ANSWER_SECONDS):
            return False
        try:
            forget(self.folder, kept)
        except OSError:
            return False
        return True

    def remove_layers(self, template: Template, before: float) -> None:
        """Remove the layers of a template's group that were made before a moment.

        Args:
            before: The moment, in seconds since the epoch.
        """
        group = template.group
        for stored in self.kept(template.project, engine=group.has_server):
            if stored.is_layer and stored.group == group.label and stored.created < before:
                self.remove(stored)

    def prune(self, project: str, *, engine: bool) -> list[tuple[StoredTemplate, str]]:
        """Give up what a project has too much of, within the defaults; gives what is gone."""
        wanted = to_prune(self.kept(project, engine=engine, sizes=True))
        return [(one, reason) for one, reason in wanted if self.remove(one)]

    def problems(
        self, kept: StoredTemplate, migrations: Mapping[str, Iterable[str]] | None = None
    ) -> list[str]:
        """What a template's databases are not as they should be, a sentence each.

        Args:
            migrations: Those that each of its databases must have had.
        """
        return check(
            kept,
            self.host,
            server_timeout_seconds=self.server_timeout_seconds,
            migrations=migrations or {},
        )

    def catalogs(self, kept: StoredTemplate) -> dict[str, Catalog]:
        """What a template's databases consist of."""
        return look_into(kept, self.host, server_timeout_seconds=self.server_timeout_seconds)[0]

    def pull(self, template: Template, registry: str) -> tuple[Travelled | None, list[str]]:
        """Get a template from a registry, and keep it if all is well with it.

        Returns:
            What travelled, None if the registry does not have it; and what is wrong with it.

        Raises:
            RegistryError: The registry does not answer, or refuses.
        """
        host = self.host()
        came = share.name_in(registry, template, host)
        travelled = share.pull(host, came)
        if travelled is None:
            return None, []
        found = host.call(FindTemplate(image=came), ANSWER_SECONDS) or {}
        # A registry calls it by its key.
        name = f"{template.repository}:{found.get(labels.FINGERPRINT, '')}"
        name, problems = self._take_image(host, share.Loaded(name, template.group.vendor, came))
        return travelled, [f"{name}: {problem}" for problem in problems]

    def refuse(self, template: Template) -> None:
        """Let a template be found no more, even if somebody uses it at this moment."""
        if template.group.has_server:
            self.host().call(DropName(image=template.image), ANSWER_SECONDS)
        else:
            take_away(self.files(template))

    def load(self, file: Path) -> Iterator[tuple[str, list[str]]]:
        """Take the templates of a file in; gives the name of each, and what is wrong with it.

        One with which something is wrong is not kept.

        Raises:
            TemplateError: The file cannot be read.
        """
        below = self.folder / "sqlite"
        below.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="loading-", dir=below) as folder:
            for loaded in share.load(self.host, file, Path(folder)):
                if loaded.vendor == SQLITE:
                    yield self._take_files(loaded)
                else:
                    yield self._take_image(self.host(), loaded)

    def _images(self, name: str, *, sizes: bool) -> list[ImageFacts]:
        found = self.host().call(ListImages(name=name, sizes=sizes), ANSWER_SECONDS)
        return [ImageFacts(**one) for one in found]

    def _take_files(self, loaded: share.Loaded) -> tuple[str, list[str]]:
        found = from_folder(Path(loaded.source), self.folder)
        if found is None or found.is_layer:
            return loaded.name, [NO_TEMPLATE]
        problems = self.problems(found)
        target = self.folder / "sqlite" / slug(found.project) / slug(found.fingerprint)
        if not problems and not target.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            Path(loaded.source).rename(target)
        return found.name, problems

    def _take_image(self, host: ServerHostClient, loaded: share.Loaded) -> tuple[str, list[str]]:
        """Give what has come the name of a template, if it is one; the name that it had goes."""
        try:
            found = host.call(FindTemplate(image=loaded.source), ANSWER_SECONDS) or {}
            facts = ImageFacts(
                name=loaded.name, id=loaded.source, labels=found, created=time.time()
            )
            kept = next(from_images([facts], self.folder), None)
            if kept is None or kept.is_layer:
                return loaded.name, [NO_TEMPLATE]
            problems = self.problems(replace(kept, source=loaded.source))
            if not problems:
                host.call(NameImage(image=loaded.source, name=loaded.name), share.TRAVEL_SECONDS)
            return kept.name, problems
        finally:
            with suppress(CtestError):
                host.call(DropName(image=loaded.source), share.TRAVEL_SECONDS)
