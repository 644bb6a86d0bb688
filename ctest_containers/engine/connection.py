"""A connection to the Docker Engine: the SDK's clients, and what several of its users ask."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import docker
import docker.errors
from testcontainers.core.config import testcontainers_config

from ctest_containers.engine.reach import engine_address
from ctest_containers.engine.sdk_errors import translated

CONNECT_SECONDS: Final = 20
"""The time limit of the engine's first answer; one that hangs does not answer at all."""

ANSWER_SECONDS: Final = 120
"""The time limit of starting or stopping a container on an overloaded machine."""

SLOWEST_SECONDS: Final = 900
"""The time limit of committing a large database, and of pulling or building an image."""


class DockerConnection:
    """Talks to the engine that the environment or the current context names.

    Raises:
        EngineUnreachableError: No engine answers.
    """

    def __init__(self) -> None:
        logging.getLogger("testcontainers").setLevel(logging.WARNING)
        # Ryuk's image may not be reachable, and the server host removes what it started.
        testcontainers_config.ryuk_disabled = True
        self._address = engine_address()
        # As testcontainers has it: the program knows the names that the user gives to machines.
        ssh = self._address.startswith("ssh://")
        with translated("connecting to it"):
            client = docker.from_env(timeout=CONNECT_SECONDS, use_ssh_client=ssh)
            client.close()
            self._version = version = str(client.api.api_version)
            self._client = docker.from_env(
                version=version, timeout=ANSWER_SECONDS, use_ssh_client=ssh
            )
            self._patient = docker.from_env(
                version=version, timeout=SLOWEST_SECONDS, use_ssh_client=ssh
            )

    def _inspect(self, container_id: str) -> Mapping[str, Any] | None:
        with translated(f"inspecting {container_id}"):
            try:
                return dict(self._client.api.inspect_container(container_id))
            except docker.errors.NotFound:
                return None

    def _running(self) -> list[dict[str, Any]]:
        with translated("listing containers"):
            return list(self._client.api.containers())


def close_channel(channel: Any) -> None:
    """Close the connection to a program in a container.

    The SDK keeps the engine's response with the connection. It has to be closed first: Python 3.13
    prints an error for a response whose connection is closed already.
    """
    # Through ssh it is a process, which has ended with the program.
    with suppress(OSError):
        if (response := getattr(channel, "_response", None)) is not None:
            response.close()
        channel.close()
