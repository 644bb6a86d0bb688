"""Where a case works: a folder and names of its own, and what it has made is removed."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import docker

from ctest_containers.backends import BACKENDS
from ctest_containers.model import Address, Vendor
from harness.servers import VENDORS, plain_server

LABEL: Final = "ctest-containers.bench"
"""On containers that are started for a benchmark and not by the toolkit; its value is a token."""

SQLITE: Final = "sqlite"
FLAVOURS: Final = (*VENDORS, SQLITE)
USERS: Final = ("shop", "bench", "django")


@dataclass(frozen=True, slots=True)
class Server:
    """An ordinary server that runs for as long as a case.

    Attributes:
        host: Django's setting HOST: where its Unix socket is.
        version: What it says it is.
    """

    host: str
    version: str


@dataclass(slots=True)
class Place:
    """A case's own folder, and the beginning of the names of all that it makes.

    Attributes:
        on: The flavour of the database.
        engine: None where no server is needed.
    """

    folder: Path
    on: str
    engine: docker.DockerClient | None
    token: str = field(default_factory=lambda: f"bench-{secrets.token_hex(4)}")

    @property
    def vendor(self) -> Vendor:
        """The vendor, as Django's backends are named."""
        return Vendor(SQLITE) if self.on == SQLITE else VENDORS[self.on]

    @property
    def client(self) -> docker.DockerClient:
        """The engine, where one is needed."""
        assert self.engine is not None
        return self.engine

    def cache(self, name: str) -> Path:
        """A cache folder of the toolkit's, which begins empty."""
        return self.folder / "caches" / name

    def project(self, name: str) -> str:
        """A project's name that nothing else has."""
        return f"{self.token}-{name}"

    def toolkit_variables(self, name: str) -> dict[str, str]:
        """What gives a run of the toolkit that cache and that name."""
        flavour = {"CTEST_CONTAINERS_MYSQL_IMAGE": "mariadb"} if self.on == "mariadb" else {}
        return {
            "XDG_CACHE_HOME": str(self.cache(name)),
            "CTEST_CONTAINERS_PROJECT": self.project(name),
            **flavour,
        }

    def images(self, name: str = "") -> list[str]:
        """The names of the images that were made here, or by one project."""
        part = f"/{self.token}-{name}"
        # Not `images.list`, which asks for each image anew: others may be removing theirs.
        found = self.client.api.images() if self.engine is not None else []
        return [tag for image in found for tag in image["RepoTags"] or () if part in tag]

    def remove_images(self, name: str = "") -> None:
        """Remove them."""
        for tag in self.images(name):
            self.client.images.remove(tag, force=True)

    def remove_containers(self) -> None:
        """Remove what a run that was ended has left of the containers with our label."""
        if self.engine is None:
            return
        wanted: dict[str, str | list[str] | bool] = {"label": f"{LABEL}={self.token}"}
        for container in self.engine.containers.list(all=True, sparse=True, filters=wanted):
            container.remove(force=True, v=True)


@contextmanager
def place(on: str) -> Iterator[Place]:
    """A place that leaves nothing behind."""
    engine = None if on == SQLITE else docker.from_env()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        made = Place(Path(name), on, engine)
        try:
            yield made
        finally:
            made.remove_containers()
            made.remove_images()
            if engine is not None:
                engine.close()


@contextmanager
def server_of(place: Place) -> Iterator[Server | None]:
    """An ordinary server of the toolkit's own image, with the same settings; None on SQLite."""
    if place.on == SQLITE:
        yield None
        return
    backend = BACKENDS[place.vendor]
    with plain_server(place.client, place.on, USERS) as host:
        socket = host if place.vendor == Vendor("mysql") else f"{host}/{backend.socket_file()}"
        folder = str(Path(socket).parent)
        address = Address(host=folder, port=backend.port, user=backend.admin, socket=socket)
        yield Server(host, backend.probe(address).version)
