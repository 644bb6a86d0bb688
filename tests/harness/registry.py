"""A container registry on the loopback address, which wants a name and a password."""

from __future__ import annotations

import base64
import json
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.projects import wait_for

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
USER, PASSWORD = "somebody", "open-sesame"
HASHED = "$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO"
"""The password as `htpasswd -B` writes it."""

CONFIGURATION = """
version: 0.1
log: {{level: error}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
http:
  addr: {address}
auth:
  htpasswd: {{realm: tests, path: {folder}/htpasswd}}
"""


@dataclass(frozen=True, slots=True)
class Registry:
    """A registry that runs.

    Attributes:
        login: A folder with the configuration that `docker login` leaves; for DOCKER_CONFIG.
    """

    address: str
    login: Path

    def repository(self, name: str) -> str:
        """The name of a repository there."""
        return f"{self.address}/{name}"

    def tags(self, name: str) -> list[str]:
        """The tags that a repository has."""
        request = urllib.request.Request(
            f"http://{self.address}/v2/{name}/tags/list", headers={"Authorization": _basic()}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return list(json.load(answer)["tags"] or [])
        except urllib.error.HTTPError:
            return []


@contextmanager
def running_registry(folder: Path) -> Iterator[Registry]:
    """Debian's docker-registry, with its data in a folder."""
    subprocess.run([SCRIPTS / "packages", "docker-registry"], check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    (folder / "htpasswd").write_text(f"{USER}:{HASHED}\n")
    (folder / "config.yml").write_text(CONFIGURATION.format(folder=folder, address=address))
    login = folder / "login"
    login.mkdir()
    auths = {address: {"auth": _basic().removeprefix("Basic ")}}
    (login / "config.json").write_text(json.dumps({"auths": auths}))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            ["docker-registry", "serve", str(folder / "config.yml")], stdout=log, stderr=log
        )
    try:
        wait_for(lambda: _answers(address), 30, "the registry")
        yield Registry(address, login)
    finally:
        process.terminate()
        process.wait(10)


def _answers(address: str) -> bool:
    host, _, port = address.partition(":")
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def _basic() -> str:
    return "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
