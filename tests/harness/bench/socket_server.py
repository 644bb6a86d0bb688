"""An empty server of the toolkit's own image, labelled, that is reached through a Unix socket."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from docker.models.containers import Container

from ctest_containers.backends import BACKENDS, Backend, NotReadyError
from ctest_containers.backends.api import SOCKET_FOLDER
from ctest_containers.clock import Deadline
from ctest_containers.model import Address, Transport, Vendor
from ctest_containers.text import last_lines
from harness.bench.place import LABEL, Place
from harness.bench.trouble import BenchError
from harness.servers import own_image

START_SECONDS: Final = 60.0
POLL_SECONDS: Final = 0.003

LOOK_EVERY_SECONDS: Final = 0.5
"""Between two looks at whether a container still runs, which cost the engine something."""


@dataclass(frozen=True, slots=True)
class SocketServer:
    """A server that has answered.

    Attributes:
        version: What it says it is.
        start_seconds: From starting its container to its first answer.
    """

    container: Container
    address: Address
    version: str
    start_seconds: float


@contextmanager
def socket_server(
    place: Place, arguments: Sequence[str] = (), *, publish: bool = False
) -> Iterator[SocketServer]:
    """A server that starts empty, and is removed.

    Args:
        arguments: What its command line has beyond the toolkit's own.
        publish: Whether it has a network, and its port is published on the loopback interface.

    Raises:
        BenchError: It does not answer.
    """
    backend = BACKENDS[place.vendor]
    command = [*backend.launch(transport=Transport.SOCKET, own_image=True).command, *arguments]
    reached: dict[str, Any] = (
        {"ports": {f"{backend.port}/tcp": ("127.0.0.1", 0)}}
        if publish
        else {"network_mode": "none"}
    )
    with tempfile.TemporaryDirectory(prefix="plain-", dir="/tmp") as name:
        Path(name).chmod(0o777)
        container = place.client.containers.create(
            own_image(place.client, place.on),
            command,
            labels={LABEL: place.token},
            volumes={name: {"bind": SOCKET_FOLDER, "mode": "rw"}},
            **reached,
        )
        try:
            socket = f"{name}/{backend.socket_file()}"
            address = Address(host=name, port=backend.port, user=backend.admin, socket=socket)
            began = time.perf_counter()
            container.start()
            version = _first_answer(backend, address, container)
            seconds = time.perf_counter() - began
            yield SocketServer(container, address, version, seconds)
        finally:
            container.remove(force=True, v=True)


def connect(vendor: Vendor, address: Address, password: str = "") -> Any:
    """A connection of a driver's, each statement its own transaction."""
    connection = _connected(vendor, address, password)
    connection.autocommit = True
    return connection


def _connected(vendor: Vendor, address: Address, password: str) -> Any:
    if vendor == Vendor("postgresql"):
        import psycopg2

        return psycopg2.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=password,
            dbname="postgres",
        )
    import mysql.connector

    where = {"unix_socket": address.socket} if address.socket else {"host": address.host}
    return mysql.connector.connect(
        **where, port=address.port, user=address.user, password=password, connection_timeout=30
    )


def _first_answer(backend: Backend, address: Address, container: Container) -> str:
    deadline, looked = Deadline(START_SECONDS), time.monotonic()
    while True:
        try:
            return backend.probe(address).version
        except NotReadyError as error:
            if deadline.passed:
                raise _silent(container, str(error)) from error
            if time.monotonic() - looked > LOOK_EVERY_SECONDS:
                looked = time.monotonic()
                container.reload()
                if container.status != "running":
                    raise _silent(container, "its container has ended") from error
        time.sleep(POLL_SECONDS)


def _silent(container: Container, reason: str) -> BenchError:
    command = " ".join(container.attrs["Config"]["Cmd"])
    log = last_lines(container.logs(tail=20).decode(errors="replace"))
    return BenchError(f"{command} does not answer: {reason}. Its last lines:\n{log}")
