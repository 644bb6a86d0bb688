"""What a query takes by the way in which it travels: `SELECT 1`, one after another."""

from __future__ import annotations

import secrets
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Final

from ctest_containers.model import Address, Vendor
from harness.bench.place import Place
from harness.bench.socket_server import connect, socket_server

WARM_UP: Final = 200
QUERIES: Final = 2000

USER: Final = "latency"

CREATE: Final = {
    Vendor("postgresql"): "CREATE ROLE latency LOGIN PASSWORD '{password}'",
    Vendor("mysql"): "CREATE USER latency@'%' IDENTIFIED BY '{password}'",
}

Measure = Callable[[], Mapping[str, float]]
"""Gives the median seconds of a query by each transport."""


@contextmanager
def latencies(place: Place) -> Iterator[Measure]:
    """One server that is reached in all ways, so that nothing but the way differs."""
    everywhere = ["-c", "listen_addresses=*"] if place.vendor == Vendor("postgresql") else []
    with socket_server(place, everywhere, publish=True) as server:
        address = server.address
        server.container.reload()
        network = server.container.attrs["NetworkSettings"]
        published = network["Ports"][f"{address.port}/tcp"][0]["HostPort"]
        inner = next(iter(network["Networks"].values()))["IPAddress"]
        password = secrets.token_hex(8)
        with closing(connect(place.vendor, address)) as admin, closing(admin.cursor()) as cursor:
            cursor.execute(CREATE[place.vendor].format(password=password))
        ways = {
            "socket": (address, ""),
            "container address": (_tcp(inner, address.port), password),
            "loopback port": (_tcp("127.0.0.1", int(published)), password),
        }
        yield lambda: {
            way: _median(place.vendor, where, secret) for way, (where, secret) in ways.items()
        }


def _tcp(host: str, port: int) -> Address:
    return Address(host=host, port=port, user=USER)


def _median(vendor: Vendor, address: Address, password: str) -> float:
    """Seconds from sending a query to having its row, on a connection that is open."""
    with closing(connect(vendor, address, password)) as connection:
        with closing(connection.cursor()) as cursor:
            seconds = []
            for _ in range(WARM_UP + QUERIES):
                began = time.perf_counter()
                cursor.execute("SELECT 1")
                cursor.fetchall()
                seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[WARM_UP:])
