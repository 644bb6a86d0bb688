"""Reads where the engine is from the system and from the engine's address."""

from __future__ import annotations

import platform
import shutil
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from ctest_containers.engine.own_container import (
    OwnContainer,
    is_a_container,
    on_the_engines_machine,
    own_mount_points,
)
from ctest_containers.engine.reach import is_remote, socket_path

SECONDS: Final = 5.0
"""The time limit of a question to this machine."""

CREDENTIALS: Final = struct.Struct("3i")
"""Process, user and group at the other end of a Unix socket; see SO_PEERCRED in unix(7)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineLocation:
    """Where an engine is, seen from this process.

    Attributes:
        platform: As `sys.platform` has it.
        shares_kernel: Whether the engine's containers run on this process's kernel.
        near: Whether the engine listens on a Unix socket, and its process can be seen from here.
        hidden: Whether it does, and its process is outside of the container that this one is in.
        folder: The run's own folder.
        shared: The path of that folder on the engine's machine, if this process is in a container
            of the engine that shares it; None otherwise.
        remote: The name of the engine's machine; empty for this machine.
        container: The engine's container that this process runs in; None if it runs in none.
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


def read_location(
    *, address: str, kernel: str, container: OwnContainer | None, folder: Path, has_networks: bool
) -> EngineLocation:
    """Find out where the engine is.

    Args:
        address: The engine's, as DOCKER_HOST has it.
        kernel: The release of the kernel that the engine's containers run on.
        container: The engine's container that this process runs in; None if it runs in none.
        folder: The run's own folder.
        has_networks: Whether the engine has a network from which ports can be published.
    """
    remote = remote_name(address)
    seen = listener_is_seen(address)
    return EngineLocation(
        platform=sys.platform,
        # Two machines may run the same kernel, but only one of them has this container.
        shares_kernel=kernel == platform.release() and (not remote or container is not None),
        near=seen is True,
        # Docker Desktop's engine cannot be seen from WSL either, which is not a container.
        hidden=seen is False and is_a_container(),
        remote=remote,
        container=container,
        folder=folder,
        has_networks=has_networks,
        shared=(
            None
            if container is None
            else on_the_engines_machine(folder, container, own_mount_points())
        ),
    )


def is_near(address: str) -> bool:
    """Whether the engine listens on a Unix socket of this machine, as far as is known."""
    return socket_path(address) is not None and listener_is_seen(address) is not False


def listener_is_seen(address: str) -> bool | None:
    """Whether the process that listens on a Unix socket is visible to this one.

    None for other addresses, and on systems that do not report the process. Linux does, and
    reports 0 for a process outside of this container.
    """
    path, option = socket_path(address), getattr(socket, "SO_PEERCRED", None)
    if path is None or option is None:
        return None
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(SECONDS)
            connection.connect(str(path))
            credentials = connection.getsockopt(socket.SOL_SOCKET, option, CREDENTIALS.size)
    except OSError:
        return None
    process, _, _ = CREDENTIALS.unpack(credentials)
    return bool(process)


def remote_name(address: str) -> str:
    """The name or address of an engine's machine; empty for this machine."""
    if not is_remote(address):
        return ""
    parts = urlsplit(address)
    name = parts.hostname or ""
    if parts.scheme != "ssh":
        return name
    meant = _known_to_ssh(name)
    return meant if is_remote(f"ssh://[{meant}]" if ":" in meant else f"ssh://{meant}") else ""


def _known_to_ssh(name: str) -> str:
    """The host for which a name stands in the user's ssh configuration."""
    ssh = shutil.which("ssh")
    if ssh is None:
        return name
    try:
        asked = subprocess.run(
            [ssh, "-G", "--", name],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return name
    lines = dict(line.partition(" ")[::2] for line in asked.stdout.splitlines())
    return lines.get("hostname") or name
