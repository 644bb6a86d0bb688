"""A Docker Engine on another machine: in a network of its own, reached by address alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.engines import SecondEngine
from harness.networks import inside, network_of_its_own

HERE, THERE = "10.213.77.1", "10.213.77.2"
"""Addresses that this machine and the other one have for each other."""

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


class RemoteEngine(SecondEngine):
    """An engine that listens on its machine's address, and at no socket.

    Args:
        machine: The process whose network namespace is that machine's network.
    """

    def __init__(self, folder: Path, machine: int) -> None:
        super().__init__(folder)
        self.host = f"tcp://{THERE}:2375"
        self._machine = machine

    def command(self) -> list[str]:
        """See `SecondEngine`; it has a bridge, on which containers can be reached."""
        return [
            *inside(self._machine),
            "dockerd",
            *("--host", self.host, "--tls=false"),
            *self.places(),
            "--iptables=false",
        ]


@contextmanager
def remote_engine(folder: Path, *images: str) -> Iterator[RemoteEngine]:
    """A running engine elsewhere that has these images.

    Args:
        folder: A new folder with a short path.
    """
    subprocess.run([SCRIPTS / "packages", "iproute2"], check=True)
    (folder / "data").mkdir()
    with network_of_its_own() as machine:
        _connect(machine)
        engine = RemoteEngine(folder, machine)
        try:
            engine.start_with(*images)
            yield engine
        finally:
            engine.stop()


def _connect(machine: int) -> None:
    """Lay a cable to the other machine, and give both of its ends an address."""
    name = f"ct{machine}"
    there = inside(machine)
    for command in (
        ("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(machine)),
        ("ip", "address", "add", f"{HERE}/30", "dev", name),
        ("ip", "link", "set", name, "up"),
        (*there, "ip", "address", "add", f"{THERE}/30", "dev", "eth0"),
        (*there, "ip", "link", "set", "eth0", "up"),
    ):
        subprocess.run(command, check=True)
