"""The file of a service: any process may read it, and one at a time may change it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ctest_containers import codec
from ctest_containers.errors import ServiceError, UsageError
from ctest_containers.service.state import Service, service_from
from ctest_containers.storage import cache_folder, replace_text
from ctest_containers.text import listing, slug

DEFAULT: Final = "default"
"""The default name of a service."""

FORMAT: Final = "ctest_containers service"
VERSION: Final = 2
"""Changes whenever another version of the toolkit could misread the file."""

LOCK_SECONDS: Final = 60.0
"""How long to wait for another process's change; slow work is done without the lock."""

NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")

_ENCODE: Final = codec.encoder(ascii_only=True)


@dataclass(frozen=True, slots=True)
class ServiceFile:
    """The file of a service, which exists as long as the service does."""

    path: Path

    @property
    def name(self) -> str:
        """The service's name."""
        return self.path.stem

    def read(self) -> Service | None:
        """Return the service; None if there is none.

        Raises:
            ServiceError: The file cannot be read, or another version wrote it.
        """
        try:
            document = json.loads(self.path.read_text(encoding="utf-8"))
            if document["format"] != FORMAT or document["version"] != VERSION:
                raise ServiceError(
                    f"The service {self.name!r} was made by another version of the toolkit.",
                    "Remove it with python -m ctest_containers service down.",
                )
            return service_from(document["service"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise ServiceError(
                f"The file of the service {self.name!r}, {self.path}, cannot be read: {error!r}.",
                "Remove it with python -m ctest_containers service down, which does not read the "
                "file.",
            ) from error

    def existing(self) -> Service:
        """Return the service.

        Raises:
            ServiceError: There is no such service.
        """
        service = self.read()
        if service is None:
            raise self.missing()
        return service

    def missing(self) -> ServiceError:
        """Return the error that there is no such service."""
        others = [service.name for service in services(self.path.parent.name) if service != self]
        hint = f"Its services are {listing(others)}; choose one with --name. " if others else ""
        named = "" if self.name == DEFAULT else f" --name {self.name}"
        return ServiceError(
            f"The project {self.path.parent.name!r} has no service {self.name!r}.",
            f"{hint}Start one with python -m ctest_containers service up{named}.",
        )

    def write(self, service: Service) -> None:
        """Replace the file atomically; only its owner may read it.

        Raises:
            ServiceError: It cannot be written.
        """
        text = _ENCODE({"format": FORMAT, "version": VERSION, "service": service})
        try:
            replace_text(self.path, text, private=True)
        except OSError as error:
            raise ServiceError(
                f"The file of a service, {self.path}, cannot be written: {error}.",
                "Free space there, or set XDG_CACHE_HOME to another folder.",
            ) from error

    def remove(self) -> None:
        """Remove the file, and with it the service."""
        self.path.unlink(missing_ok=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock out other processes; the lock ends with this process, even if that is killed.

        Raises:
            ServiceError: Another process holds the lock for too long.
        """
        folder = cache_folder() / "locks"
        lock = FileLock(folder / f"service-{self.path.parent.name}-{self.name}.lock")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=LOCK_SECONDS)
        except (OSError, Timeout) as error:
            raise ServiceError(
                f"The service {self.name!r} cannot be changed: {error}.",
                "Another process may hang while changing it. End that process, then try again.",
            ) from error
        try:
            yield
        finally:
            lock.release()


def service_file(project: str, name: str = DEFAULT) -> ServiceFile:
    """Return the file of a project's service.

    Raises:
        UsageError: The name is invalid.
    """
    if NAME.fullmatch(name) is None:
        raise UsageError(
            f"Invalid service name {name!r}.",
            "Use at most 40 lowercase letters and digits, with dashes between them.",
        )
    return ServiceFile(_folder() / slug(project) / f"{name}.json")


def services(project: str = "*") -> list[ServiceFile]:
    """Return all services of a project, or of every project."""
    name = project if project == "*" else slug(project)
    return [ServiceFile(path) for path in sorted(_folder().glob(f"{name}/[!.]*.json"))]


def find_service(project: str, name: str, folder: Path) -> ServiceFile:
    """Return the service of a folder, even if its settings name the project differently.

    Args:
        project: The name of the project without its settings.
    """
    usual = service_file(project, name)
    if usual.path.exists():
        return usual
    for other in services():
        if other.name == name:
            try:
                service = other.read()
            except ServiceError:
                continue
            if service is not None and service.folder == str(folder):
                return other
    return usual


def _folder() -> Path:
    return cache_folder() / "services"
