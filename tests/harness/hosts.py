"""Hosts on one machine: each with a network and an engine of its own, and a registry between."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.engines import SecondEngine, unmount_below
from harness.networks import inside, network_of_its_own

HERE: Final = "10.213.79.1"
"""The address at which hosts find what runs on the machine itself."""

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


class Host(SecondEngine):
    """An engine in a network of its own, with a bridge for its containers.

    Args:
        machine: The process whose network namespace is the host's network.
        registry: The address of a registry that has no certificate.
    """

    def __init__(self, folder: Path, machine: int, address: str, registry: str) -> None:
        super().__init__(folder)
        self.address = address
        self._machine = machine
        self._registry = registry

    def inside(self, *command: str) -> list[str]:
        """How something is started in the host's network."""
        return [*inside(self._machine), *command]

    def command(self) -> list[str]:
        """See `SecondEngine`."""
        return [
            *("setpriv", "--pdeathsig", "TERM"),
            *self.inside("dockerd", "--host", self.host),
            *self.places(),
            *("--iptables=false", "--insecure-registry", self._registry),
        ]


@dataclass(frozen=True, slots=True)
class Hosts:
    """Hosts that reach each other, and the registry."""

    all: Sequence[Host]
    registry: str


@contextmanager
def hosts(folder: Path, count: int, registry_port: int) -> Iterator[Hosts]:
    """Running hosts without any image, connected by a switch.

    Args:
        folder: A new folder with a short path.
        registry_port: Where a registry is going to listen, at the address `HERE`.
    """
    subprocess.run([SCRIPTS / "packages", "iproute2"], check=True)
    registry = f"{HERE}:{registry_port}"
    with ExitStack() as undo:
        undo.callback(unmount_below, folder)
        switch = undo.enter_context(_switch())
        found = []
        for number in range(count):
            machine = undo.enter_context(network_of_its_own())
            address = f"{HERE.rpartition('.')[0]}.{10 + number}"
            _plug_in(machine, switch, address)
            own = folder / str(number)
            (own / "data").mkdir(parents=True)
            found.append(Host(own, machine, address, registry))
            undo.callback(found[-1].stop)
            found[-1].start()
        yield Hosts(found, registry)


@contextmanager
def _switch() -> Iterator[str]:
    name = "ctswitch"
    _ip("link", "add", name, "type", "bridge")
    try:
        _ip("address", "add", f"{HERE}/24", "dev", name)
        _ip("link", "set", name, "up")
        yield name
    finally:
        _ip("link", "delete", name)


def _plug_in(machine: int, switch: str, address: str) -> None:
    """Lay a cable from a machine to the switch."""
    name = f"ct{machine}"
    there = (*inside(machine), "ip")
    _ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", str(machine))
    _ip("link", "set", name, "master", switch, "up")
    subprocess.run([*there, "address", "add", f"{address}/24", "dev", "eth0"], check=True)
    subprocess.run([*there, "link", "set", "eth0", "up"], check=True)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)
