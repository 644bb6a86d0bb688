"""What an engine is asked for, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ctest_containers.engine.transports import LOOPBACK


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """A container to start.

    Attributes:
        folder: A folder of the engine's machine that appears in the container as `mount`; None for
            none.
        port: A port to publish; None for none.
        publish: The address on which it is published.
        publish_port: The port of that address; 0 for any.
        network: The network that it is in; without one, and without a port, it has none at all.
        hosts: A file of the engine's machine that is `/etc/hosts` in a container without network;
            None for the image's.
        memory_bytes: What all its processes together may take.
        capabilities: What its first process may do as root; all others are dropped.
        laid_over: An archive of `ContainerFiles.export_changes`, whose files replace those of the
            image before the container starts; None for none.
        data_folder: The folder that it was made of.
    """

    name: str
    image: str
    command: Sequence[str]
    memory_bytes: int
    environment: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    mount: str = ""
    port: int | None = None
    publish: str = LOOPBACK
    publish_port: int = 0
    network: str = ""
    hosts: Path | None = None
    capabilities: Sequence[str] = ()
    laid_over: Path | None = None
    data_folder: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that was started.

    Attributes:
        port: The published port; None where none was asked for.
        address: Its own address in the network that was asked for; empty where none was.
    """

    id: str
    name: str
    port: int | None = None
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """An image that has a name.

    Attributes:
        created: When it was made, in seconds since 1970.
        own_size: Bytes of its last layer: what it has beyond the image it was made from; 0 if it
            was not read.
    """

    name: str
    id: str
    labels: Mapping[str, str]
    created: float
    own_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Travelled:
    """What of an image went to a registry, or came from there.

    Attributes:
        layers: The number of its layers that travelled.
        present: The number of those that were there already.
    """

    layers: int
    present: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerState:
    """How a container is doing.

    Attributes:
        exit_code: What its first process ended with; meaningful when not running.
        out_of_memory: Whether the kernel killed a process of it for its memory.
        paused: Whether it runs, but is paused.
        log: The last lines that it wrote.
    """

    running: bool
    exit_code: int
    log: str
    out_of_memory: bool = False
    paused: bool = False

    def __str__(self) -> str:
        if not self.running:
            killed = "ran out of memory and was killed by the kernel"
            what = f"{killed if self.out_of_memory else 'ended'} with exit code {self.exit_code}"
        elif self.out_of_memory:
            what = "has a process that ran out of memory and was killed by the kernel"
        else:
            what = "is paused" if self.paused else "is running"
        return f"{what}; its last lines:\n{self.log}".rstrip()
