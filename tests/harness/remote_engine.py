"""A Docker Engine on another machine: in a network of its own, reached by address alone."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.engines import SecondEngine
from harness.projects import wait_for

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
            *("nsenter", f"--net=/proc/{self._machine}/ns/net", "dockerd"),
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
    machine = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        here = Path("/proc/self/ns/net").readlink()
        there = Path(f"/proc/{machine.pid}/ns/net")
        wait_for(lambda: there.readlink() != here, 30, "a network of the other machine's own")
        _connect(machine.pid)
        engine = RemoteEngine(folder, machine.pid)
        try:
            engine.start()
            engine.take_images(*images)
            yield engine
        finally:
            engine.stop()
    finally:
        # The cable between the two goes with the other machine's network.
        machine.kill()
        machine.wait()


def _connect(machine: int) -> None:
    """Lay a cable to the other machine, and give both of its ends an address."""
    name = f"ct{machine}"
    inside = ("nsenter", f"--net=/proc/{machine}/ns/net")
    for command in (
        ("ip", "link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(machine)),
        ("ip", "address", "add", f"{HERE}/30", "dev", name),
        ("ip", "link", "set", name, "up"),
        (*inside, "ip", "address", "add", f"{THERE}/30", "dev", "eth0"),
        (*inside, "ip", "link", "set", "eth0", "up"),
        (*inside, "ip", "link", "set", "lo", "up"),
    ):
        subprocess.run(command, check=True)
