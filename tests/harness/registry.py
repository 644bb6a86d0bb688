"""A container registry, by default on the loopback address; it wants a name and a password."""

from __future__ import annotations

import base64
import json
import re
import socket
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.ports import free_ports
from harness.projects import wait_for

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
USER, PASSWORD = "somebody", "open-sesame"
HASHED = "$2b$05$abcdefghijklmnopqrstuutXu9KzOt.1yBoZUeFWoT/914/JfszCO"
"""The password as `htpasswd -B` writes it."""

BLOB = re.compile(r'"GET /v2/\S+/blobs/sha256:\w+ HTTP/1.1" 200')

CONFIGURATION = """
version: 0.1
log: {{level: error, accesslog: {{disabled: false}}}}
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
        log: What was asked of it, a line each, among other things.
    """

    address: str
    login: Path
    log: Path

    def repository(self, name: str) -> str:
        """The name of a repository there."""
        return f"{self.address}/{name}"

    def blobs_for(self, client: str) -> int:
        """How many layers and configurations a client's address has fetched so far."""
        lines = self.log.read_text(errors="replace").splitlines()
        return sum(
            line.startswith(f"{client} ") and BLOB.search(line) is not None for line in lines
        )

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
def running_registry(folder: Path, address: str = "") -> Iterator[Registry]:
    """Debian's docker-registry, with its data in a folder."""
    subprocess.run([SCRIPTS / "packages", "docker-registry"], check=True)
    address = address or f"127.0.0.1:{free_ports(1)[0]}"
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
        yield Registry(address, login, folder / "log")
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
