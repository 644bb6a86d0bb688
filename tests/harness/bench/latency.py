"""What a query takes by the way in which it travels: `SELECT 1`, one after another."""

from __future__ import annotations

import secrets
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import BACKENDS
from ctest_containers.backends.api import SOCKET_FOLDER
from ctest_containers.model import Address, Transport, Vendor
from harness.bench.place import LABEL, Place
from harness.projects import wait_for
from harness.servers import answers, own_image

WARM_UP: Final = 200
QUERIES: Final = 2000

USER: Final = "latency"

CREATE: Final = {
    Vendor.POSTGRESQL: "CREATE ROLE latency LOGIN PASSWORD '{password}'",
    Vendor.MYSQL: "CREATE USER latency@'%' IDENTIFIED BY '{password}'",
}

Measure = Callable[[], Mapping[str, float]]
"""Gives the median seconds of a query by each transport."""


@contextmanager
def latencies(place: Place) -> Iterator[Measure]:
    """One server that is reached in all ways, so that nothing but the way differs."""
    backend = BACKENDS[place.vendor]
    command = list(backend.launch(transport=Transport.SOCKET, own_image=True).command)
    if place.vendor is Vendor.POSTGRESQL:
        command += ["-c", "listen_addresses=*"]
    with tempfile.TemporaryDirectory(prefix="plain-", dir="/tmp") as name:
        Path(name).chmod(0o777)
        container = place.client.containers.run(
            own_image(place.client, place.on),
            command,
            detach=True,
            labels={LABEL: place.token},
            ports={f"{backend.port}/tcp": ("127.0.0.1", 0)},
            volumes={name: {"bind": SOCKET_FOLDER, "mode": "rw"}},
        )
        try:
            socket = f"{name}/{backend.socket_file()}"
            address = Address(host=name, port=backend.port, user=backend.admin, socket=socket)
            wait_for(lambda: answers(backend, address), 30, "a first answer")
            container.reload()
            network = container.attrs["NetworkSettings"]
            published = network["Ports"][f"{backend.port}/tcp"][0]["HostPort"]
            inner = next(iter(network["Networks"].values()))["IPAddress"]
            password = secrets.token_hex(8)
            with (
                closing(_connect(place.vendor, address, "")) as admin,
                closing(admin.cursor()) as cursor,
            ):
                cursor.execute(CREATE[place.vendor].format(password=password))
            ways = {
                "socket": (address, ""),
                "container address": (_tcp(inner, backend.port), password),
                "loopback port": (_tcp("127.0.0.1", int(published)), password),
            }
            yield lambda: {
                way: _median(place.vendor, where, secret) for way, (where, secret) in ways.items()
            }
        finally:
            container.remove(force=True, v=True)


def _tcp(host: str, port: int) -> Address:
    return Address(host=host, port=port, user=USER)


def _connect(vendor: Vendor, address: Address, password: str) -> Any:
    if vendor is Vendor.POSTGRESQL:
        import psycopg2

        connection = psycopg2.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=password,
            dbname="postgres",
        )
        connection.autocommit = True
        return connection
    import mysql.connector

    where = {"unix_socket": address.socket} if address.socket else {"host": address.host}
    return mysql.connector.connect(
        **where, port=address.port, user=address.user, password=password, connection_timeout=30
    )


def _median(vendor: Vendor, address: Address, password: str) -> float:
    """Seconds from sending a query to having its row, on a connection that is open."""
    with closing(_connect(vendor, address, password)) as connection:
        with closing(connection.cursor()) as cursor:
            seconds = []
            for _ in range(WARM_UP + QUERIES):
                began = time.perf_counter()
                cursor.execute("SELECT 1")
                cursor.fetchall()
                seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[WARM_UP:])
