"""A server that a server host has started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ctest_containers.backends import Backend, Launch
from ctest_containers.engine import Container
from ctest_containers.model import Address
from ctest_containers.servers.requests import StartServer


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers queries.

    Attributes:
        folder: Its folder in the run's folder, with its Unix socket if it has one.
        request: The request that it was started for.
        initial: The result of `Backend.variables` at the start; empty if it has a fingerprint.
    """

    container: Container
    folder: Path
    backend: Backend
    launch: Launch
    address: Address
    request: StartServer
    initial: Mapping[str, str]
