"""The Docker Engine: containers through testcontainers, images and commits through the SDK."""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import docker
import docker.errors
import requests.exceptions
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.labels import LABEL_SESSION_ID

from ctest_containers.engine.api import Container, ContainerEngine, ContainerSpec, ContainerState
from ctest_containers.errors import (
    EngineError,
    EngineUnreachableError,
    ImageUnavailableError,
    ServerError,
)
from ctest_containers.text import last_lines

PROCESS_LIMIT: Final = 512
"""Processes that one database container may have."""

CONNECT_SECONDS: Final = 20
"""What the engine may take for its first answer; one that hangs does not answer at all."""

ANSWER_SECONDS: Final = 120
"""What it may take to start or stop a container on an overloaded machine."""

SLOWEST_SECONDS: Final = 900
"""What it may take to commit a large database, or to pull or build an image."""

START_ENGINE: Final = (
    "Install and start Docker (https://docs.docker.com/engine/install/), or set DOCKER_HOST to the "
    "engine to use. Tests of a project on SQLite need no engine."
)


FULL_DISK: Final = (
    "Make room on the engine's disk: `docker system df` shows what takes it, `docker image prune` "
    "removes images that nothing uses."
)


@contextmanager
def _translated(doing: str) -> Iterator[None]:
    """Turn what the SDK raises into our own errors, naming what was being done."""
    try:
        yield
    except docker.errors.ImageNotFound as error:
        raise ImageUnavailableError(f"The engine has no such image while {doing}.") from error
    except docker.errors.BuildError as error:
        output = "".join(str(line.get("stream", line.get("error", ""))) for line in error.build_log)
        raise ImageUnavailableError(
            f"Building failed while {doing}. Its last lines:\n{last_lines(output)}",
            "Where no registry answers, scripts/base-image makes debian:trixie-slim from packages.",
        ) from error
    except docker.errors.APIError as error:
        message = str(error.explanation or error)
        hint = FULL_DISK if "no space left" in message.lower() else ""
        raise EngineError(f"The engine refused while {doing}: {message}", hint) from error
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        where = os.environ.get("DOCKER_HOST", "the default address")
        raise EngineUnreachableError(
            f"No Docker Engine answers at {where} while {doing}: {error}", START_ENGINE
        ) from error


class DockerEngine:
    """One connection to a Docker Engine.

    Raises:
        EngineUnreachableError: No engine answers.
    """

    def __init__(self) -> None:
        logging.getLogger("testcontainers").setLevel(logging.WARNING)
        # Ryuk's image may not be reachable, and the server host removes what it started.
        testcontainers_config.ryuk_disabled = True
        with _translated("connecting to it"):
            client = docker.from_env(timeout=CONNECT_SECONDS)
            client.ping()
            client.close()
            self._version = str(client.api.api_version)
            self._client = docker.from_env(version=self._version, timeout=ANSWER_SECONDS)
            self._patient = docker.from_env(version=self._version, timeout=SLOWEST_SECONDS)

    def shares_sockets(self) -> bool:
        """Whether a Unix socket in a mounted folder connects this process with a container.

        It does where both use the same kernel: not on Docker Desktop and not on another machine.
        """
        if not str(self._client.api.base_url).startswith("http+docker://"):
            return False
        with _translated("asking about it"):
            return str(self._client.info()["KernelVersion"]) == platform.release()

    def image_labels(self, image: str) -> dict[str, str] | None:
        """See `ContainerEngine`."""
        with _translated(f"looking for {image}"):
            try:
                return dict(self._client.images.get(image).labels)
            except docker.errors.ImageNotFound:
                return None

    def image_digest(self, image: str) -> str:
        """See `ContainerEngine`."""
        with _translated(f"looking for {image}"):
            found = self._client.images.get(image)
        digests = [str(one).partition("@") for one in found.attrs.get("RepoDigests") or []]
        repository = image.rpartition(":")[0] or image
        # The same image may have been pushed elsewhere, too; where it comes from counts.
        own = [digest for name, _, digest in digests if name == repository]
        return (own or sorted(digest for *_, digest in digests) or [str(found.id)])[0]

    def build(self, folder: Path, image: str, labels: Mapping[str, str]) -> None:
        """See `ContainerEngine`."""
        with _translated(f"building {image}"):
            self._patient.images.build(
                path=str(folder), tag=image, labels=dict(labels), rm=True, forcerm=True, pull=False
            )

    def pull(self, image: str) -> None:
        """See `ContainerEngine`."""
        try:
            with _translated(f"pulling {image}"):
                self._patient.images.pull(image)
        except EngineError as error:
            raise ImageUnavailableError(
                f"The image {image} is not on the engine and cannot be pulled: {error.message}",
                "Check its name and the engine's access to the registry.",
            ) from error

    def start(self, spec: ContainerSpec) -> Container:
        """See `ContainerEngine`."""
        if self.image_labels(spec.image) is None:
            raise ImageUnavailableError(
                f"The engine has no image {spec.image}.",
                "Somebody has removed it meanwhile. Run it again to have it made anew.",
            )
        container = DockerContainer(
            spec.image,
            docker_client_kw={"version": self._version, "timeout": ANSWER_SECONDS},
        ).with_envs(**spec.environment)
        options: dict[str, Any] = {
            "labels": dict(spec.labels),
            "cap_drop": ["ALL"],
            "cap_add": list(spec.capabilities),
            "security_opt": ["no-new-privileges"],
            "pids_limit": PROCESS_LIMIT,
            # The same with swap: a server that swaps would only be slow in dying.
            "mem_limit": spec.memory_bytes,
            "memswap_limit": spec.memory_bytes,
        }
        if spec.port is None:
            options["network_mode"] = "none"
        else:
            # A published port of testcontainers' own making would listen on every address.
            loopback: Any = ("127.0.0.1", None)
            container.ports = {f"{spec.port}/tcp": loopback}
        container.with_name(spec.name).with_command(list(spec.command)).with_kwargs(**options)
        if spec.folder is not None:
            container.with_volume_mapping(str(spec.folder), spec.mount, "rw")
        with _translated(f"starting {spec.name} from {spec.image}"):
            try:
                container.start()
                started = container.get_wrapped_container()
                port = None if spec.port is None else self._published(str(started.id), spec.port)
            except BaseException:
                # The name is ours alone; a container that was only created has it, too.
                with suppress(EngineError):
                    self.remove(Container(id=spec.name, name=spec.name))
                raise
        return Container(id=str(started.id), name=spec.name, port=port)

    def _published(self, container_id: str, port: int) -> int:
        found = self._client.containers.get(container_id)
        published = found.ports.get(f"{port}/tcp") or []
        if not published:
            raise ServerError(
                f"The server {found.name} published no port; its last lines:\n"
                f"{last_lines(found.logs(tail=20).decode(errors='replace'))}"
            )
        return int(published[0]["HostPort"])

    def state(self, container: Container) -> ContainerState:
        """See `ContainerEngine`."""
        with _translated(f"inspecting {container.name}"):
            found = self._client.containers.get(container.id)
            log = found.logs(tail=20).decode(errors="replace")
            # The flag in its state is set only when the container has ended.
            now: Any = time.time()
            kills = self._client.events(
                since=0,
                until=now,
                filters={"container": container.id, "event": "oom"},
                decode=True,
            )
            out_of_memory = any(True for _ in kills)
        state = found.attrs["State"]
        return ContainerState(
            running=bool(state["Running"]),
            exit_code=int(state["ExitCode"]),
            log=log,
            out_of_memory=out_of_memory or bool(state.get("OOMKilled")),
        )

    def memory_bytes(self, container: Container) -> int:
        """See `ContainerEngine`; the sum is that of `docker stats`."""
        with _translated(f"measuring {container.name}"):
            found: Any = self._client.api.stats(container.id, stream=False, one_shot=True)
        memory = found.get("memory_stats") or {}
        details = memory.get("stats") or {}
        cache = details.get("total_inactive_file", details.get("inactive_file", 0))
        return max(0, int(memory.get("usage", 0)) - int(cache))

    def execute(self, container: Container, command: Sequence[str], stdin: bytes) -> None:
        """See `ContainerEngine`."""
        api = self._client.api
        with _translated(f"running {command[0]} in {container.name}"):
            execution = api.exec_create(container.id, list(command), stdin=True)["Id"]
            channel = api.exec_start(execution, socket=True)
            raw: Any = getattr(channel, "_sock", channel)
            raw.sendall(stdin)
            raw.shutdown(1)
            raw.settimeout(30)
            output = b""
            while piece := raw.recv(65536):
                output += piece
            channel.close()
            code = api.exec_inspect(execution)["ExitCode"]
        if code != 0:
            raise EngineError(
                f"{command[0]} in {container.name} ended with code {code}: "
                f"{last_lines(output.decode(errors='replace'), 3)}"
            )

    def stop(self, container: Container, seconds: float) -> int:
        """See `ContainerEngine`."""
        with _translated(f"stopping {container.name}"):
            found = self._client.containers.get(container.id)
            found.stop(timeout=int(seconds))
            return int(found.wait(timeout=seconds)["StatusCode"])

    def commit(
        self, container: Container, labels: Mapping[str, str], environment: Mapping[str, str]
    ) -> str:
        """See `ContainerEngine`.

        A commit inherits labels and environment, so what must not be inherited is set to nothing:
        a session's label would let testcontainers' reaper take the image away with the session.
        """
        reset = {LABEL_SESSION_ID: "", **labels}
        configuration = {"Labels": reset, "Env": [f"{k}={v}" for k, v in environment.items()]}
        with _translated(f"committing {container.name}"):
            answer = self._patient.api.commit(container.id, conf=configuration)
        return str(answer["Id"])

    def tag(self, image_id: str, image: str) -> None:
        """See `ContainerEngine`."""
        repository, _, tag = image.rpartition(":")
        with _translated(f"naming {image}"):
            self._client.api.tag(image_id, repository, tag)

    def remove(self, container: Container) -> None:
        """See `ContainerEngine`."""
        with _translated(f"removing {container.name}"):
            try:
                self._client.api.remove_container(container.id, v=True, force=True)
            except docker.errors.NotFound:
                pass
            except docker.errors.APIError as error:
                # Somebody else, the engine perhaps, is removing it at this moment.
                if error.status_code != HTTPStatus.CONFLICT:
                    raise

    def remove_image(self, image_id: str) -> None:
        """See `ContainerEngine`."""
        with _translated(f"removing the image {image_id}"), suppress(docker.errors.NotFound):
            self._client.images.remove(image_id, force=True)

    def nameless_images(self, label: str) -> list[tuple[str, dict[str, str]]]:
        """See `ContainerEngine`."""
        with _translated("listing images"):
            found = self._client.images.list(filters={"label": label, "dangling": True})
        return [(str(image.id), dict(image.labels)) for image in found]

    def labelled(self, label: str) -> list[tuple[Container, dict[str, str]]]:
        """See `ContainerEngine`."""
        with _translated("listing containers"):
            found = self._client.api.containers(all=True, filters={"label": label})
        return [
            (
                Container(id=str(entry["Id"]), name=str(entry["Names"][0]).lstrip("/")),
                dict(entry["Labels"]),
            )
            for entry in found
        ]


_: type[ContainerEngine] = DockerEngine
