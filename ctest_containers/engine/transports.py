"""Decides how servers that an engine starts are reached from here; or says why they cannot be.

Three ways, the best one first: a Unix socket in a folder that both have, over which a server needs
no network at all; a network that a server shares with the container that this process runs in; a
port that the engine publishes. On its own machine an engine publishes on the loopback address. One
on another machine has to publish on all of its addresses, where only the server's random password
keeps others out: use such an engine in a network that you trust.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.engine.own_container import OwnContainer
from ctest_containers.errors import EngineError
from ctest_containers.model import FOR_ANY_PROGRAM, Transport

LOOPBACK: Final = "127.0.0.1"

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  # An engine elsewhere is reached no other way.

SHARE: Final = (
    "Start this container with a network, or with a volume for temporary files: docker run "
    "--volume /tmp, or another one whose folder TMPDIR names."
)

NAME_AN_ENGINE: Final = (
    "Set DOCKER_HOST to a name of the engine's machine that this container reaches, such as "
    "tcp://docker:2375 in GitLab CI. See also --transport."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where this process is, and where the engine is.

    Attributes:
        platform: As `sys.platform` has it.
        shares_kernel: Whether the engine's containers run on this process's kernel.
        near: Whether the engine listens at a Unix socket, and its process can be seen from here.
        hidden: Whether it does, and its process is outside of the container that this one is in.
        folder: The run's own folder.
        shared: What that is called on the engine's machine if this process is in a container of the
            engine's and they share it; None otherwise.
        remote: The name of the engine's machine; empty for this one.
        container: The engine's container that this process runs in; None for none.
        has_networks: Whether the engine has a network from which ports can be published.
    """

    platform: str
    shares_kernel: bool
    near: bool
    hidden: bool
    folder: Path
    shared: Path | None = None
    remote: str = ""
    container: OwnContainer | None = None
    has_networks: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How servers are reached.

    Attributes:
        reason: Why so, as a part of a sentence.
        doubt: Why it may not work, and so is for those to choose who know better; empty for none.
        folder: What the run's folder is called on the engine's machine (socket).
        network: The network to attach servers to (network).
        publish: The address of the engine's machine on which ports are published (port).
        host: The name or address by which published ports are reached (port).
    """

    transport: Transport
    reason: str
    doubt: str = ""
    folder: Path | None = None
    network: str = ""
    publish: str = LOOPBACK
    host: str = LOOPBACK


def decide(place: Place, wanted: str) -> Way:
    """The way to servers.

    Args:
        wanted: `auto`, FOR_ANY_PROGRAM, or the value of a transport.

    Raises:
        EngineError: There is none, or not the wanted one.
    """
    if wanted == FOR_ANY_PROGRAM:
        wanted = Transport.PORT.value if place.has_networks else "auto"
    if wanted != "auto":
        found = WAYS[Transport(wanted)](place)
        if isinstance(found, Way):
            return found
        raise EngineError(
            f"Servers cannot be reached as --transport {wanted} asks: {found}.",
            SHARE if place.container is not None else "Leave the option out, and a way is found.",
        )
    reasons = []
    for transport, way in WAYS.items():
        found = way(place)
        if isinstance(found, Way) and not found.doubt:
            return found
        why = found.doubt if isinstance(found, Way) else found
        reasons.append(f"by {transport.value}: {why}")
    raise EngineError(
        f"Servers that the engine starts cannot be reached from here ({'; '.join(reasons)}).",
        NAME_AN_ENGINE if place.container is None else SHARE,
    )


def _by_socket(place: Place) -> Way | str:
    container = place.container
    if place.platform != "linux":
        return "the engine's containers run in a Linux machine of their own"
    if not place.shares_kernel:
        return "the engine runs on another machine than this process"
    if container is None:
        doubt = "" if place.near else "it is not known whether the engine has the same folders"
        reason = "the engine is on this Linux machine"
        return Way(transport=Transport.SOCKET, reason=reason, doubt=doubt, folder=place.folder)
    if place.shared is None:
        return f"the folder {place.folder.parent} is this container's alone"
    reason = f"this container has {place.folder.parent} from the engine's machine"
    return Way(transport=Transport.SOCKET, reason=reason, folder=place.shared)


def _by_network(place: Place) -> Way | str:
    container = place.container
    if container is None:
        return "this process runs in no container of the engine"
    if container.network_mode == "host":
        return Way(transport=Transport.PORT, reason="this container has its machine's own network")
    if not container.networks:
        return "this container has no network"
    network = container.networks[0]
    reason = f"this container is in the network {network}"
    return Way(transport=Transport.NETWORK, reason=reason, network=network)


def _by_port(place: Place) -> Way | str:
    container = place.container
    if container is not None and container.network_mode != "host":
        return "this container does not reach the loopback address of the engine's machine"
    if not place.has_networks:
        return "the engine has no network from which ports could be published"
    if place.remote:
        return Way(
            transport=Transport.PORT,
            reason=f"the engine is on {place.remote}",
            publish="::" if ":" in place.remote else EVERYWHERE,
            host=place.remote,
        )
    doubt = "the engine runs outside of this container and does not know it" if place.hidden else ""
    reason = "the engine publishes ports on this machine"
    return Way(transport=Transport.PORT, reason=reason, doubt=doubt)


WAYS: Final[dict[Transport, Callable[[Place], Way | str]]] = {
    Transport.SOCKET: _by_socket,
    Transport.NETWORK: _by_network,
    Transport.PORT: _by_port,
}
"""Each transport's way, the best first."""
