"""Builds the toolkit's own runner image, and runs what is in it as people do."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import docker

ROOT = Path(__file__).resolve().parents[2]
SOCKET = "/var/run/docker.sock"

PYTHON = "313"
"""The Python of Debian's trixie."""

PLATFORMS = ("any", "manylinux2014", "manylinux_2_17", "manylinux_2_27", "manylinux_2_28")


def build_runner_image(engine: docker.DockerClient, folder: Path, image: str) -> str:
    """Build the image from the Dockerfile, with packages that the tests' own pip can get.

    Args:
        folder: Where these packages are put.
    """
    _download(folder)
    with _served(folder) as address:
        engine.images.build(
            path=str(ROOT),
            tag=image,
            rm=True,
            pull=False,
            # Whoever serves the packages listens on this machine's loopback address alone.
            network_mode="host",
            buildargs={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": address},
        )
    return image


def in_a_container(
    image: str,
    project: Path,
    *options: str,
    command: Sequence[str] = (),
    env: Mapping[str, str],
) -> list[str]:
    """The command line that runs an image on a project, with this machine's engine.

    Args:
        options: What `docker run` is told besides.
        env: Variables for the container.
    """
    return [
        *("docker", "run", "--rm"),
        *("--volume", f"{SOCKET}:{SOCKET}"),
        *("--volume", f"{project}:/project"),
        *(f"--env={name}={value}" for name, value in env.items()),
        *options,
        image,
        *command,
    ]


def _download(folder: Path) -> None:
    """Get wheels of all that the toolkit needs; those that are not for this machine, as well."""
    needed = importlib.metadata.requires("ctest-containers") or ()
    wanted = [*(one for one in needed if "extra ==" not in one), "hatchling"]
    tags = [one if one == "any" else f"{one}_{platform.machine()}" for one in PLATFORMS]
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--dest", str(folder)),
            *("--python-version", PYTHON, "--only-binary", ":all:"),
            *(f"--platform={tag}" for tag in tags),
            *wanted,
        ],
        check=True,
    )


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # Its own name.
        """Tests have no use for it."""


@contextmanager
def _served(folder: Path) -> Iterator[str]:
    """The address on this machine at which the files of a folder can be had."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(folder)))
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
