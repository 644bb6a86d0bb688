"""What servers from a template's image cost: one, several at once, and a commit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ctest_containers.engine.folders import make_run_folder
from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.servers.requests import StartServer, TakeSnapshot
from harness.bench.place import Place
from harness.clones import MEMORY_BYTES, Maker, snapshots

SECONDS: Final = 60.0


@contextmanager
def starting(place: Place, image: str) -> Iterator[Maker]:
    """Starts so many servers at once, and gives the seconds until each has answered a query."""
    with snapshots(image, place.on) as make:
        yield make


@contextmanager
def committing(place: Place, image: str, database: str) -> Iterator[Callable[[], float]]:
    """Gives the seconds that it takes to stop a migrated server and to make an image of it."""
    run = secrets.token_hex(4)
    host = ServerHostClient(
        run=run, folder=make_run_folder(run), project=place.project("commit"), transport="socket"
    )

    def commit() -> float:
        name = secrets.token_hex(4)
        start = StartServer(
            server=name,
            group="bench",
            image=image,
            own_image=True,
            vendor=place.vendor,
            users=("bench",),
            timeout_seconds=SECONDS,
            memory_bytes=MEMORY_BYTES,
        )
        host.call(start, 2 * SECONDS)
        target = f"{NAMESPACE}/{place.project('commit')}/{place.vendor}:{name}"
        began = time.perf_counter()
        host.call(
            TakeSnapshot(
                server=name,
                image=target,
                databases=(database,),
                fingerprint=name,
                labels={},
                timeout_seconds=SECONDS,
            ),
            2 * SECONDS,
        )
        seconds = time.perf_counter() - began
        place.remove_images("commit")
        return seconds

    try:
        yield commit
    finally:
        host.close()
