"""Docker's containers: started through testcontainers, everything else through the SDK."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import docker.errors
from docker.types import Mount
from testcontainers.core.container import DockerContainer

from ctest_containers.engine.api import Containers
from ctest_containers.engine.connection import ANSWER_SECONDS, close_channel
from ctest_containers.engine.container_files import DockerContainerFiles
from ctest_containers.engine.sdk_errors import translated
from ctest_containers.engine.values import Container, ContainerSpec, ContainerState
from ctest_containers.errors import (
    EngineError,
    EngineUnreachableError,
    ImageUnavailableError,
    ServerError,
)
from ctest_containers.text import last_lines

PROCESS_LIMIT: Final = 512
"""Processes that one database container may have."""

READ_SO_MUCH: Final = ("sh", "-c", 'head -c "$0" | "$@"')
"""Ends a command's input after so many bytes: not every transport to an engine carries its end."""


class DockerContainers(DockerContainerFiles):
    """Starts containers, looks into them and removes them."""

    def start(self, spec: ContainerSpec) -> Container:
        """See `Containers`."""
        try:
            return self._start(spec)
        except EngineError as error:
            if isinstance(error, EngineUnreachableError) or self._has_image(spec.image):
                raise
            raise ImageUnavailableError(
                f"The image {spec.image} is no longer on the engine.",
                "Run the command again to rebuild or pull it.",
            ) from error

    def _has_image(self, image: str) -> bool:
        with translated(f"looking for {image}"):
            try:
                self._client.images.get(image)
            except docker.errors.ImageNotFound:
                return False
        return True

    def _start(self, spec: ContainerSpec) -> Container:
        container = DockerContainer(
            spec.image,
            docker_client_kw={"version": self._version, "timeout": ANSWER_SECONDS},
        ).with_envs(**spec.environment)
        # An image that is made of the container would declare volumes, but not mounts.
        mounts = []
        if spec.folder is not None:
            mounts.append(Mount(spec.mount, str(spec.folder), type="bind"))
        options: dict[str, Any] = {
            "labels": dict(spec.labels),
            "mounts": mounts,
            "cap_drop": ["ALL"],
            "cap_add": list(spec.capabilities),
            "security_opt": ["no-new-privileges"],
            "pids_limit": PROCESS_LIMIT,
            # The same with swap: a server that swaps would only be slow in dying.
            "mem_limit": spec.memory_bytes,
            "memswap_limit": spec.memory_bytes,
        }
        if spec.network:
            options["network"] = spec.network
        elif spec.port is None:
            options["network_mode"] = "none"
            # The engine sets up a namespace even for `none`, which takes half of a start. Disabled,
            # the loopback device is the runtime's work.
            options["network_disabled"] = True
            if spec.hosts is not None:
                mounts.append(Mount("/etc/hosts", str(spec.hosts), type="bind", read_only=True))
        else:
            # A published port of testcontainers' own making would listen on every address.
            endpoint: Any = (spec.publish, spec.publish_port or None)
            container.ports = {f"{spec.port}/tcp": endpoint}
        container.with_name(spec.name).with_command(list(spec.command)).with_kwargs(**options)
        with translated(f"starting {spec.name} from {spec.image}"):
            try:
                if spec.laid_over is None:
                    container.start()
                    container_id = str(container.get_wrapped_container().id)
                else:
                    container_id = self._start_laid_over(spec, spec.laid_over, container, options)
                port = None if spec.port is None else self._published(container_id, spec.port)
                address = self._address_in(spec.network, container_id) if spec.network else ""
            except BaseException:
                # The name is ours alone; a container that was only created has it, too.
                with suppress(EngineError):
                    self.remove(Container(id=spec.name, name=spec.name))
                raise
        return Container(id=container_id, name=spec.name, port=port, address=address)

    def _start_laid_over(
        self,
        spec: ContainerSpec,
        archive: Path,
        container: DockerContainer,
        options: dict[str, Any],
    ) -> str:
        """Create a container, lay the files of an archive over its image's, and start it."""
        created = self._client.containers.create(
            spec.image,
            list(spec.command),
            name=spec.name,
            environment=dict(spec.environment),
            ports=container.ports,
            entrypoint=self.removing_first(spec.image, spec.data_folder),
            **options,
        )
        self.lay_over(str(created.id), archive, spec.data_folder)
        created.start()
        return str(created.id)

    def _address_in(self, network: str, container_id: str) -> str:
        container = self._client.containers.get(container_id)
        endpoint = container.attrs["NetworkSettings"]["Networks"].get(network) or {}
        address = endpoint.get("IPAddress") or endpoint.get("GlobalIPv6Address")
        if not address:
            raise ServerError(
                f"The server {container.name} has no address in the network {network}; its last "
                f"lines:\n{last_lines(container.logs(tail=20).decode(errors='replace'))}"
            )
        return str(address)

    def _published(self, container_id: str, port: int) -> int:
        container = self._client.containers.get(container_id)
        published = container.ports.get(f"{port}/tcp") or []
        if not published:
            raise ServerError(
                f"The server {container.name} published no port; its last lines:\n"
                f"{last_lines(container.logs(tail=20).decode(errors='replace'))}"
            )
        return int(published[0]["HostPort"])

    def state(self, container: Container) -> ContainerState:
        """See `Containers`."""
        with translated(f"inspecting {container.name}"):
            inspected = self._client.containers.get(container.id)
            log = inspected.logs(tail=20).decode(errors="replace")
            # The flag in its state is set only when the container has ended.
            now: Any = time.time()
            kills = self._client.events(
                since=0,
                until=now,
                filters={"container": container.id, "event": "oom"},
                decode=True,
            )
            out_of_memory = any(True for _ in kills)
        state = inspected.attrs["State"]
        return ContainerState(
            running=bool(state["Running"]),
            paused=bool(state.get("Paused")),
            exit_code=int(state["ExitCode"]),
            log=log,
            out_of_memory=out_of_memory or bool(state.get("OOMKilled")),
        )

    def running_since(self, container_id: str) -> str:
        """See `Containers`."""
        state = (self._inspect(container_id) or {}).get("State") or {}
        return str(state.get("StartedAt", "")) if state.get("Running") else ""

    def log(self, container: Container) -> str:
        """See `Containers`."""
        with translated(f"reading the log of {container.name}"):
            written: Any = self._client.api.logs(container.id)
        return bytes(written).decode(errors="replace")

    def memory_bytes(self, container: Container) -> int:
        """See `Containers`; the sum is that of `docker stats`."""
        with translated(f"measuring {container.name}"):
            stats: Any = self._client.api.stats(container.id, stream=False, one_shot=True)
        memory = stats.get("memory_stats") or {}
        details = memory.get("stats") or {}
        cache = details.get("total_inactive_file", details.get("inactive_file", 0))
        return max(0, int(memory.get("usage", 0)) - int(cache))

    def first_process(self, container: Container) -> int | None:
        """See `Containers`."""
        state = (self._inspect(container.id) or {}).get("State") or {}
        return int(state.get("Pid") or 0) or None

    def execute(self, container: Container, command: Sequence[str], stdin: bytes) -> None:
        """See `Containers`."""
        api = self._client.api
        with translated(f"running {command[0]} in {container.name}"):
            counted = [*READ_SO_MUCH, str(len(stdin)), *command]
            execution = api.exec_create(container.id, counted, stdin=True)["Id"]
            channel = api.exec_start(execution, socket=True)
            raw: Any = getattr(channel, "_sock", channel)
            raw.sendall(stdin)
            raw.settimeout(30)
            output = b""
            while piece := raw.recv(65536):
                output += piece
            close_channel(channel)
            code = api.exec_inspect(execution)["ExitCode"]
        if code != 0:
            raise EngineError(
                f"{command[0]} in {container.name} ended with exit code {code}: "
                f"{last_lines(output.decode(errors='replace'), 3)}"
            )

    def stop(self, container: Container, seconds: float) -> int:
        """See `Containers`."""
        with translated(f"stopping {container.name}"):
            stopped = self._client.containers.get(container.id)
            stopped.stop(timeout=int(seconds))
            return int(stopped.wait(timeout=seconds)["StatusCode"])

    def remove(self, container: Container) -> None:
        """See `Containers`."""
        with translated(f"removing {container.name}"):
            try:
                self._client.api.remove_container(container.id, v=True, force=True)
            except docker.errors.NotFound:
                pass
            except docker.errors.APIError as error:
                # Another process, or the engine itself, is removing it at this moment.
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    def labelled(self, label: str) -> list[tuple[Container, dict[str, str]]]:
        """See `Containers`."""
        with translated("listing containers"):
            entries = self._client.api.containers(all=True, filters={"label": label})
        return [
            (
                Container(id=str(entry["Id"]), name=str(entry["Names"][0]).lstrip("/")),
                dict(entry["Labels"]),
            )
            for entry in entries
        ]


_: type[Containers] = DockerContainers
