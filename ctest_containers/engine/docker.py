"""The Docker Engine: its containers, its images and the machine that it is on."""

from __future__ import annotations

import functools
import platform
from contextlib import suppress
from pathlib import Path
from typing import Any

from ctest_containers.engine.api import ContainerEngine
from ctest_containers.engine.containers import DockerContainers
from ctest_containers.engine.image_transfer import DockerImageTransfer
from ctest_containers.engine.location import is_near, read_location
from ctest_containers.engine.own_container import OwnContainer, find_own_container
from ctest_containers.engine.sdk_errors import translated
from ctest_containers.engine.transports import ServerTransport, choose_transport
from ctest_containers.engine.values import Container
from ctest_containers.errors import EngineError


class DockerEngine(DockerContainers, DockerImageTransfer):
    """All that an engine does, over one connection.

    Raises:
        EngineUnreachableError: No engine answers.
    """

    def choose_transport(self, folder: Path, wanted: str) -> ServerTransport:
        """See `EngineHost`."""
        location = read_location(
            address=self._address,
            kernel=self._kernel,
            container=self.own_container(),
            folder=folder,
            # Asked only where a port is wanted: every run begins with this.
            has_networks=wanted in {"auto", "socket", "network"} or self._has_networks(),
        )
        return choose_transport(location, wanted)

    def is_here(self) -> bool:
        """See `EngineHost`."""
        near = is_near(self._address) or self.own_container() is not None
        return near and self._kernel == platform.release()

    def own_container(self) -> OwnContainer | None:
        """See `EngineHost`."""
        return find_own_container(self._inspect, self._in_networks_of_others)

    def architecture(self) -> str:
        """See `EngineHost`."""
        with translated("asking about its version"):
            return str(self._client.version()["Arch"])

    def free_bytes(self) -> int | None:
        """See `EngineHost`; what other processes take there is unknown."""
        if self.is_here():
            return None
        free = int(self._info().get("MemTotal") or 0)
        for entry in self._running():
            # One that ends meanwhile no longer takes anything.
            with suppress(EngineError):
                free -= self.memory_bytes(Container(id=str(entry["Id"]), name=str(entry["Id"])))
        return max(0, free)

    @functools.cached_property
    def _kernel(self) -> str:
        return str(self._info()["KernelVersion"])

    def _info(self) -> dict[str, Any]:
        with translated("asking about it"):
            return dict(self._client.info())

    def _has_networks(self) -> bool:
        with translated("listing its networks"):
            networks = self._client.networks.list()
            return any(network.attrs["Driver"] not in {"null", "host"} for network in networks)

    def _in_networks_of_others(self) -> list[str]:
        """The ids of containers that use another container's network."""
        modes = [
            (str(entry["Id"]), str(entry["HostConfig"].get("NetworkMode")))
            for entry in self._running()
        ]
        return [container for container, mode in modes if mode.startswith("container:")]


_: type[ContainerEngine] = DockerEngine
