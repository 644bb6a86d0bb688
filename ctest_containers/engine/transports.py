"""Chooses the transport by which this process reaches servers that an engine starts.

Three transports, the best one first: a Unix socket in a folder that both have, over which a server
needs no network at all; a network that a server shares with the container that this process runs
in; a port that the engine publishes. On its own machine an engine publishes on the loopback
address. One on another machine has to publish on all of its addresses, where only the server's
random password keeps others out: use such an engine in a network that you trust.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.engine.location import EngineLocation
from ctest_containers.errors import EngineError
from ctest_containers.model import FOR_ANY_PROGRAM, Transport

LOOPBACK: Final = "127.0.0.1"

EVERYWHERE: Final = "0.0.0.0"  # noqa: S104  # An engine elsewhere is reached no other way.

SHARE: Final = (
    "Start this container with a network, or with a volume for temporary files: docker run "
    "--volume /tmp. For a volume elsewhere, set TMPDIR to its folder."
)

NAME_AN_ENGINE: Final = (
    "Set DOCKER_HOST to a name of the engine's host that this container can reach, such as "
    "tcp://docker:2375 in GitLab CI. See also --transport."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerTransport:
    """How servers are reached.

    Attributes:
        reason: Why this transport, as a part of a sentence.
        doubt: Why it may not work, so that only the user can choose it; empty for none.
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


def choose_transport(location: EngineLocation, wanted: str) -> ServerTransport:
    """The transport to servers: the wanted one, or the first of `TRANSPORTS` that surely works.

    Args:
        wanted: `auto`, FOR_ANY_PROGRAM, or the value of a transport.

    Raises:
        EngineError: No transport works, or the wanted one does not.
    """
    if wanted == FOR_ANY_PROGRAM:
        wanted = Transport.PORT.value if location.has_networks else "auto"
    if wanted != "auto":
        choice = TRANSPORTS[Transport(wanted)](location)
        if isinstance(choice, ServerTransport):
            return choice
        raise EngineError(
            f"Servers cannot be reached with --transport {wanted}: {choice}.",
            "Remove the option to use a transport that works."
            if location.container is None
            else SHARE,
        )
    reasons = []
    for transport, by_transport in TRANSPORTS.items():
        choice = by_transport(location)
        if isinstance(choice, ServerTransport) and not choice.doubt:
            return choice
        reason = choice.doubt if isinstance(choice, ServerTransport) else choice
        reasons.append(f"by {transport.value}: {reason}")
    raise EngineError(
        f"Servers that the engine starts cannot be reached from here ({'; '.join(reasons)}).",
        NAME_AN_ENGINE if location.container is None else SHARE,
    )


def _by_socket(location: EngineLocation) -> ServerTransport | str:
    container = location.container
    if location.platform != "linux":
        return "the engine's containers run in a separate Linux virtual machine"
    if not location.shares_kernel:
        return "the engine is on a different machine from this process"
    if container is None:
        doubt = "" if location.near else "it is not known whether the engine has the same folders"
        reason = "the engine is on this Linux machine"
        return ServerTransport(
            transport=Transport.SOCKET, reason=reason, doubt=doubt, folder=location.folder
        )
    if location.shared is None:
        return f"the folder {location.folder.parent} exists only in this container"
    reason = f"{location.folder.parent} in this container is mounted from the engine's machine"
    return ServerTransport(transport=Transport.SOCKET, reason=reason, folder=location.shared)


def _by_network(location: EngineLocation) -> ServerTransport | str:
    container = location.container
    if container is None:
        return "this process does not run in a container of the engine"
    if container.network_mode == "host":
        return ServerTransport(
            transport=Transport.PORT, reason="this container uses its machine's network"
        )
    if not container.networks:
        return "this container has no network"
    network = container.networks[0]
    reason = f"this container is in the network {network}"
    return ServerTransport(transport=Transport.NETWORK, reason=reason, network=network)


def _by_port(location: EngineLocation) -> ServerTransport | str:
    container = location.container
    if container is not None and container.network_mode != "host":
        return "this container cannot reach the loopback address of the engine's machine"
    if not location.has_networks:
        return "the engine has no network on which to publish ports"
    if location.remote:
        return ServerTransport(
            transport=Transport.PORT,
            reason=f"the engine is on {location.remote}",
            publish="::" if ":" in location.remote else EVERYWHERE,
            host=location.remote,
        )
    doubt = "the engine runs outside this container and does not list it" if location.hidden else ""
    reason = "the engine publishes ports on this machine"
    return ServerTransport(transport=Transport.PORT, reason=reason, doubt=doubt)


TRANSPORTS: Final[dict[Transport, Callable[[EngineLocation], ServerTransport | str]]] = {
    Transport.SOCKET: _by_socket,
    Transport.NETWORK: _by_network,
    Transport.PORT: _by_port,
}
"""How each transport reaches servers, or why it does not; the best transport first."""
