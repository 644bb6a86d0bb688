"""Isolated databases of the example project: the toolkit's snapshots beside Django's clones."""

from __future__ import annotations

import argparse
import os
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import docker

from ctest_containers.engine.folders import make_run_folder
from ctest_containers.engine.labels import NAMESPACE, ROLE, TEMPLATE
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.servers.requests import RemoveServer, StartServer
from harness.projects import PROJECTS
from harness.servers import VENDORS, plain_server

PROJECT = "clones"
COUNTS = (2, 4, 8)
MEMORY_BYTES = 2 * 2**30

Maker = Callable[[int], float]
"""Makes so many databases, and gives the seconds that it took."""


def main(arguments: list[str]) -> int:
    """Measure both in turn, and print the medians and the ratio of each count."""
    parser = argparse.ArgumentParser(prog="scripts/bench-clones")
    parser.add_argument("--on", choices=VENDORS, default="mariadb")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args(arguments)
    engine = docker.from_env()
    with plain_server(engine, options.on, ["shop"]) as host:
        _load_project(options.on, host)
        image = _template(engine, options.on)
        with _clones() as clone, snapshots(image, options.on) as start:
            found = {
                count: [(start(count), clone(count)) for _ in range(options.repeat)]
                for count in COUNTS
            }
    engine.close()
    print(f"| databases of the example project on {options.on} | snapshots | clones | ratio |")
    print("| --- | --- | --- | --- |")
    for count, seconds in found.items():
        ours, theirs = (statistics.median(column) for column in zip(*seconds, strict=True))
        print(f"| {count} | {ours:.2f} s | {theirs:.2f} s | {theirs / ours:.1f} |")
    return 0


def _load_project(flavour: str, host: str) -> None:
    chosen = {"SHOP_DB": VENDORS[flavour], "SHOP_DB_HOST": host, "SHOP_DB_PORT": ""}
    os.environ.update(chosen, DJANGO_SETTINGS_MODULE="shop.settings")
    os.chdir(PROJECTS / "shop")
    sys.path.insert(0, str(PROJECTS / "shop"))
    import django

    django.setup()


def _template(engine: docker.DockerClient, flavour: str) -> str:
    """The image of the example project's template, made by a run of the toolkit."""
    named = {"CTEST_CONTAINERS_MYSQL_IMAGE": flavour} if flavour == "mariadb" else {}
    repository = f"{NAMESPACE}/{PROJECT}/{VENDORS[flavour]}"
    for old in engine.images.list(repository):
        engine.images.remove(old.tags[0], force=True)
    subprocess.run(
        [sys.executable, "-m", "ctest_containers", "--project", PROJECT, "accounts"],
        env={**os.environ, **named},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    templates = {"label": f"{ROLE}={TEMPLATE}"}
    (image,) = engine.images.list(repository, filters=templates)
    return str(image.tags[0])


@contextmanager
def _clones() -> Iterator[Maker]:
    """Django's own clones of a migrated test database, made one after another as Django does."""
    from django.db import connection

    creation = connection.creation
    configured = str(connection.settings_dict["NAME"])
    creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)

    def make(count: int) -> float:
        names = [str(number) for number in range(1, count + 1)]
        started = time.monotonic()
        for name in names:
            creation.clone_test_db(name, verbosity=0)
        seconds = time.monotonic() - started
        for name in names:
            creation.destroy_test_db(suffix=name, verbosity=0)
        return seconds

    try:
        yield make
    finally:
        creation.destroy_test_db(configured, verbosity=0)


@contextmanager
def snapshots(image: str, flavour: str) -> Iterator[Maker]:
    """Servers started from the template, all at once, until each has answered a query."""
    run = secrets.token_hex(4)
    host = ServerHostClient(
        run=run, folder=make_run_folder(run), project=PROJECT, transport="socket"
    )
    made = 0

    def make(count: int) -> float:
        nonlocal made
        names = [f"s{made + number}" for number in range(count)]
        made += count
        started = time.monotonic()
        numbers = {
            host.request(
                StartServer(
                    server=name,
                    group="clones",
                    image=image,
                    own_image=True,
                    vendor=VENDORS[flavour],
                    users=("shop",),
                    timeout_seconds=60.0,
                    memory_bytes=MEMORY_BYTES,
                )
            )
            for name in names
        }
        while numbers:
            for reply in host.replies(60.0):
                reply.get()
                numbers.discard(reply.number)
        seconds = time.monotonic() - started
        for name in names:
            host.call(RemoveServer(server=name), 60.0)
        return seconds

    try:
        # The first one lets the host import its driver.
        make(1)
        yield make
    finally:
        host.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
