"""A server as testcontainers starts it, for the test runners of the ways that use it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ctest_containers.backends import BACKENDS


@contextmanager
def container() -> Iterator[dict[str, Any]]:
    """A PostgresContainer with the settings of the toolkit's own image; gives Django's entries."""
    from testcontainers.community.postgres import PostgresContainer

    label, _, token = os.environ["BENCH_LABEL"].partition("=")
    # The official image listens everywhere; what only keeps its contract may have to be told to.
    chosen = {**BACKENDS["postgresql"].own_settings, "listen_addresses": "*"}
    settings = " ".join(f"-c {name}={value}" for name, value in chosen.items())
    made = PostgresContainer(
        os.environ["BENCH_IMAGE"],
        username="postgres",
        password="of a benchmark",
        dbname="postgres",
        driver=None,
        command=f"postgres {settings}",
        labels={label: token},
    )
    with made as server:
        yield {
            "HOST": server.get_container_host_ip(),
            "PORT": str(server.get_exposed_port(server.port)),
            "USER": server.username,
            "PASSWORD": server.password,
        }
