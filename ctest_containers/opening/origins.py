"""Finds what a server of a kept failure starts from: its template, with the files laid over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.backends import sqlite
from ctest_containers.engine import labels
from ctest_containers.errors import TemplateError, UsageError
from ctest_containers.failures.model import KeptDatabases, KeptFailure
from ctest_containers.failures.store import Stored
from ctest_containers.model import SQLITE
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import FindTemplate
from ctest_containers.storage import cache_folder
from ctest_containers.text import slug


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What the databases of a group start from.

    Attributes:
        template: The template: the id or name of an image; for SQLite, a folder of files. Empty if
            it is missing and not needed.
        files: The archive of files to lay over the image; None if they do not fit it.
        rows: The difference in rows to apply instead; None if it is not needed.
    """

    databases: KeptDatabases
    template: str
    own_image: bool = False
    files: Path | None = None
    rows: Path | None = None


@dataclass(frozen=True, slots=True)
class BuiltTemplate:
    """A template of the project's current code.

    Attributes:
        source: The name of its image; for SQLite, the folder with its files.
    """

    fingerprint: str
    key: str
    source: str
    own_image: bool

    def is_of(self, databases: KeptDatabases) -> bool:
        """Return whether it has the databases that those of a failure came from."""
        return self.fingerprint == databases.fingerprint or self.key == databases.key


BuildTemplates = Callable[[Sequence[str]], Mapping[str, BuiltTemplate]]
"""Builds or gets the current templates for some aliases, and returns them by their groups."""


@dataclass(frozen=True, slots=True)
class OriginFinder:
    """Finds what each group of a failure starts from.

    Attributes:
        host: Returns the server host, and starts it if it does not run yet.
        build: Called if a template is missing.
        needs_template: Whether the templates are needed even if SQLite's files are complete.
    """

    stored: Stored
    host: Callable[[], ServerHostClient]
    build: BuildTemplates
    needs_template: bool = False

    def find(self) -> list[Origin]:
        """Return what each group starts from.

        Raises:
            UsageError: A file of the failure is missing.
            TemplateError: A template is missing, and the project's code now gives another one.
            CtestError: It is missing, and cannot be built or obtained.
        """
        failure = self.stored.failure
        for name in (name for databases in failure.databases for name in databases.members):
            if not (self.stored.folder / name).is_file():
                raise UsageError(
                    f"The failure {failure.name} is incomplete: it has no file {name}.",
                    f"Repeat it: {failure.again}",
                )
        origins = [self._existing(databases) for databases in failure.databases]
        missing = [
            databases
            for databases, origin in zip(failure.databases, origins, strict=True)
            if origin is None
        ]
        built = self.build([databases.plan.aliases[0] for databases in missing]) if missing else {}
        return [
            # The very image may have come from a registry.
            origin
            or self._existing(databases)
            or self._built(databases, built.get(databases.group))
            for databases, origin in zip(failure.databases, origins, strict=True)
        ]

    def _existing(self, databases: KeptDatabases) -> Origin | None:
        """Return what a group starts from if nothing has to be built."""
        if databases.plan.vendor == SQLITE:
            folder = _sqlite_template(self.stored.failure, databases)
            if folder is None and self.needs_template:
                return None
            return Origin(databases=databases, template="" if folder is None else str(folder))
        request = FindTemplate(image=databases.image_id)
        image_labels = self.host().call(request, ANSWER_SECONDS) or {}
        if image_labels.get(labels.ROLE) != labels.TEMPLATE:
            return None
        return Origin(
            databases=databases,
            template=databases.image_id,
            own_image=bool(image_labels.get(labels.OWN_IMAGE)),
            files=self.stored.folder / databases.file,
        )

    def _built(self, databases: KeptDatabases, template: BuiltTemplate | None) -> Origin:
        failure = self.stored.failure
        name = f"{databases.group}:{databases.fingerprint[:12]}"
        if template is None or not template.is_of(databases):
            now = "none" if template is None else f"{databases.group}:{template.fingerprint[:12]}"
            repeat = f"repeat the failure: {failure.again}"
            raise TemplateError(
                f"The template {name}, from which the failed test's databases came, is not on this "
                f"machine, and the code now gives {now}.",
                f"Check out revision {failure.revision[:12]}, or {repeat}"
                if failure.revision
                else f"R{repeat[1:]}",
            )
        if databases.plan.vendor == SQLITE:
            return Origin(databases=databases, template=template.source)
        if not databases.rows:
            raise TemplateError(
                f"The template {name} was removed and has been built again. The files that "
                "were kept fit only the earlier image.",
                f"Repeat the failure: {failure.again}",
            )
        return Origin(
            databases=databases,
            template=template.source,
            own_image=template.own_image,
            rows=self.stored.folder / databases.rows,
        )


def _sqlite_template(failure: KeptFailure, databases: KeptDatabases) -> Path | None:
    """Return the folder of an SQLite template; None if it has been removed."""
    folder = cache_folder() / "sqlite" / slug(failure.project) / databases.fingerprint
    files = (sqlite.file_of(folder, plan.aliases[0]) for plan in databases.plan.databases)
    return folder if all(file.is_file() for file in files) else None
