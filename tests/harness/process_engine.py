"""The engine that the tests of one process use, with the toolkit's own images."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import docker
import psutil
import pytest
from filelock import FileLock

from harness.engines import second_engine
from harness.servers import VENDORS, own_image
from harness.tiers import MACHINES_ENGINE

BASE = "debian:trixie-slim"
DISK_BYTES = 6 * 2**30
"""What an engine beside the first may have on a disk in memory, where files cost least."""

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@contextmanager
def process_engine(group: str) -> Iterator[docker.DockerClient]:
    """A client of the engine that all tests of this process use.

    Args:
        group: The group of the first test that needs it.
    """
    with FileLock(Path(tempfile.gettempdir()).parent / "ctest-tests-engine.lock"):
        subprocess.run([SCRIPTS / "engine"], check=True)
        subprocess.run([SCRIPTS / "base-image"], check=True)
        client = docker.from_env()
        images = [own_image(client, flavour) for flavour in VENDORS]
    alone = "PYTEST_XDIST_WORKER" not in os.environ
    if alone or group == MACHINES_ENGINE:
        yield client
        client.close()
        return
    client.close()
    with ExitStack() as undo:
        folder = undo.enter_context(tempfile.TemporaryDirectory(prefix="e-", dir="/tmp"))
        room = DISK_BYTES if psutil.virtual_memory().available > 2 * DISK_BYTES else None
        subprocess.run([SCRIPTS / "packages", "iproute2"], check=True)
        beside = undo.enter_context(
            second_engine(Path(folder), BASE, *images, disk_bytes=room, ports=True)
        )
        undo.enter_context(pytest.MonkeyPatch.context()).setenv("DOCKER_HOST", beside.host)
        client = beside.client()
        undo.callback(client.close)
        yield client
