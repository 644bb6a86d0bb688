"""Ordinary servers of the toolkit's own images, for what Django's own runners do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import docker

from ctest_containers.backends import BACKENDS, Backend, NotReadyError
from ctest_containers.model import Address, Transport
from ctest_containers.template.base import base_image
from harness.projects import wait_for

Plain = Callable[[str], dict[str, str]]
"""Gives the variables that lead sample projects to an ordinary server of a flavour."""

VENDORS = {image: backend.vendor for backend in BACKENDS.values() for image in backend.own_images}
"""The toolkit's own images, by the names of their folders."""


def own_image(engine: docker.DockerClient, flavour: str) -> str:
    """One of the toolkit's own images, built if need be."""
    image = base_image(VENDORS[flavour], flavour)
    assert image.folder is not None
    if not engine.images.list(image.name):
        engine.images.build(path=str(image.folder), tag=image.name, rm=True)
    return image.name


@contextmanager
def plain_server(engine: docker.DockerClient, flavour: str, users: Sequence[str]) -> Iterator[str]:
    """A server as `running_server` starts it; gives Django's setting HOST.

    Args:
        users: Accounts without a password that may do everything.
    """
    with running_server(engine, flavour) as (backend, address):
        backend.prepare(address, users)
        yield address.host if flavour == "postgresql" else address.socket


@contextmanager
def running_server(engine: docker.DockerClient, flavour: str) -> Iterator[tuple[Backend, Address]]:
    """A server that starts empty, reached through a Unix socket."""
    backend = BACKENDS[VENDORS[flavour]]
    command = list(backend.launch(transport=Transport.SOCKET, own_image=True).command)
    with TemporaryDirectory(prefix="plain-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o777)
        container = engine.containers.run(
            own_image(engine, flavour),
            command,
            detach=True,
            network_mode="none",
            network_disabled=True,
            volumes={name: {"bind": "/ctest/run", "mode": "rw"}},
        )
        socket = str(folder / backend.socket_file())
        address = Address(host=name, port=backend.port, user=backend.admin, socket=socket)
        try:
            wait_for(lambda: answers(backend, address), 30, "a first answer")
            yield backend, address
        finally:
            container.remove(force=True, v=True)


def answers(backend: Backend, address: Address) -> bool:
    try:
        return bool(backend.probe(address))
    except NotReadyError:
        return False
