"""Finds out within seconds whether an engine answers at its address, and if not, why.

Docker's SDK reports the same error for a daemon that does not run, for a socket of another user
and for a mistyped address.
"""

from __future__ import annotations

import os
import socket
import stat
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ctest_containers.clock import Deadline
from ctest_containers.engine.contexts import chosen_context

DEFAULT: Final = "unix:///var/run/docker.sock"
"""The address that Docker's SDK uses by default."""

DEFAULT_PORTS: Final = {"tcp": 2375, "http": 2375, "https": 2376}

PING: Final = b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n"


class Obstacle(str, Enum):
    """Why an engine cannot be reached."""

    BAD_ADDRESS = "bad address"
    ABSENT = "absent"
    """There is no socket at this path."""
    NOT_A_SOCKET = "not a socket"
    FORBIDDEN = "forbidden"
    REFUSED = "refused"
    """No process listens there."""
    UNKNOWN_HOST = "unknown host"
    UNREACHABLE = "unreachable"
    SILENT = "silent"
    """A process listens, but does not answer."""
    NOT_AN_ENGINE = "not an engine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The result of an attempt to reach an engine.

    Attributes:
        address: In the form of DOCKER_HOST.
        obstacle: None if an engine answers, or if only the SDK can find out.
        detail: The system's message.
    """

    address: str
    obstacle: Obstacle | None = None
    detail: str = ""


def engine_address() -> str:
    """The address of the toolkit's engine, as the installed SDK finds it."""
    if named := os.environ.get("DOCKER_HOST", "").strip():
        return named
    context = chosen_context() if _follows_contexts() else None
    if context is not None and context.host:
        return context.host
    return "npipe:////./pipe/docker_engine" if sys.platform == "win32" else DEFAULT


def engine_variables() -> dict[str, str]:
    """Variables that lead other programs to the same engine; empty if DOCKER_HOST is set."""
    if os.environ.get("DOCKER_HOST", "").strip():
        return {}
    variables = {"DOCKER_HOST": engine_address()}
    if _follows_contexts():
        from docker.context import ContextAPI

        tls: Any = ContextAPI.kwargs_from_context().get("tls")
        if tls is not None and tls.cert:
            variables["DOCKER_CERT_PATH"] = str(Path(tls.cert[0]).parent)
            # Empty: the engine's own certificate is not checked.
            variables["DOCKER_TLS_VERIFY"] = "1" if tls.verify else ""
    return variables


def _follows_contexts() -> bool:
    """Whether Docker's SDK follows contexts, as it does since 7.2."""
    from docker.context import ContextAPI

    return hasattr(ContextAPI, "kwargs_from_context")


def socket_path(address: str) -> Path | None:
    """The path of an address that is a Unix socket; None for other addresses."""
    scheme, _, rest = address.partition("://")
    if scheme == "unix" or (not rest and address.startswith("/")):
        return Path(f"/{(rest or address).lstrip('/')}")
    return None


def is_remote(address: str) -> bool:
    """Whether an address leads to another machine."""
    parts = urlsplit(address)
    return parts.scheme in {"tcp", "http", "https", "ssh"} and not (
        parts.hostname in {None, "localhost", "::1"} or str(parts.hostname).startswith("127.")
    )


def reach(address: str, seconds: float) -> Reach:
    """Try to reach an engine at an address.

    Args:
        seconds: The time limit of the whole attempt.
    """
    path = socket_path(address)
    if path is not None:
        return _reach_socket(address, path, Deadline(seconds))
    parts = urlsplit(address)
    if parts.scheme in {"ssh", "npipe"}:
        return Reach(address=address)
    try:
        host, port = parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
    except (KeyError, ValueError) as error:
        return Reach(address=address, obstacle=Obstacle.BAD_ADDRESS, detail=str(error))
    if not host:
        return Reach(address=address, obstacle=Obstacle.BAD_ADDRESS, detail="it names no host")
    return _reach_port(address, host, port, Deadline(seconds))


def _reach_socket(address: str, path: Path, deadline: Deadline) -> Reach:
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return Reach(address=address, obstacle=Obstacle.NOT_A_SOCKET)
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(max(0.01, deadline.remaining))
            connection.connect(str(path))
            return _ask(address, connection, deadline)
    except (FileNotFoundError, NotADirectoryError):
        return Reach(address=address, obstacle=Obstacle.ABSENT)
    except OSError as error:
        return _failed(address, error)


def _reach_port(address: str, host: str, port: int, deadline: Deadline) -> Reach:
    try:
        with socket.create_connection((host, port), max(0.01, deadline.remaining)) as connection:
            named = bool(os.environ.get("DOCKER_HOST"))
            if os.environ.get("DOCKER_TLS_VERIFY") or address.startswith("https") or not named:
                # Only the SDK has the certificates, which a context may provide as well.
                return Reach(address=address)
            return _ask(address, connection, deadline)
    except socket.gaierror as error:
        return Reach(address=address, obstacle=Obstacle.UNKNOWN_HOST, detail=str(error.strerror))
    except OSError as error:
        return _failed(address, error)


def _ask(address: str, connection: socket.socket, deadline: Deadline) -> Reach:
    connection.sendall(PING)
    head = b""
    while b"\r\n" not in head and len(head) < 65536:
        connection.settimeout(max(0.01, deadline.remaining))
        data = connection.recv(4096)
        if not data:
            break
        head += data
    first = head.partition(b"\r\n")[0].decode(errors="replace")
    if first.startswith("HTTP/1.") and first.split()[1:2] == ["200"]:
        return Reach(address=address)
    return Reach(address=address, obstacle=Obstacle.NOT_AN_ENGINE, detail=first[:80])


def _failed(address: str, error: OSError) -> Reach:
    """The obstacle that an error of the system stands for."""
    if isinstance(error, PermissionError):
        kind = Obstacle.FORBIDDEN
    elif isinstance(error, TimeoutError):
        kind = Obstacle.SILENT
    elif isinstance(error, ConnectionRefusedError):
        kind = Obstacle.REFUSED
    elif isinstance(error, ConnectionError):
        kind = Obstacle.NOT_AN_ENGINE
    else:
        kind = Obstacle.UNREACHABLE
    return Reach(address=address, obstacle=kind, detail=error.strerror or str(error))
