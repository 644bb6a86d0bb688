"""The Docker Engine: containers through testcontainers, images and commits through the SDK."""

from __future__ import annotations

import functools
import logging
import platform
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import docker
import docker.errors
from docker.types import Mount
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer
from testcontainers.core.labels import LABEL_SESSION_ID

from ctest_containers.engine.api import (
    Container,
    ContainerEngine,
    ContainerSpec,
    ContainerState,
    ImageFacts,
    Travelled,
)
from ctest_containers.engine.image_file import refuse_names
from ctest_containers.engine.location import is_near, read_place
from ctest_containers.engine.own_container import OwnContainer, find_own_container
from ctest_containers.engine.reach import engine_address
from ctest_containers.engine.sdk_errors import registry_translated, translated
from ctest_containers.engine.transports import Way, decide
from ctest_containers.errors import (
    EngineError,
    EngineUnreachableError,
    ImageUnavailableError,
    RegistryError,
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

NOT_THERE: Final = ("manifest unknown", "not found", "name unknown")
"""What registries say of an image that they do not have."""

MOVED: Final = frozenset({"Pushed", "Pull complete", "Layer already exists", "Already exists"})
"""How the engine ends what it says of each layer."""

READ_SO_MUCH: Final = ("sh", "-c", 'head -c "$0" | "$@"')
"""Ends a command's input after so many bytes: not every way to an engine carries its end."""

LOADING: Final = "localhost/ctest-loading"
"""What an image is called that was read from a file and has not been looked into."""


def _statuses(answers: Any) -> list[str]:
    """The last word about each layer, from the engine's stream of answers."""
    found: list[str] = []
    for answer in answers:
        if "error" in answer:
            raise EngineError(str(answer["error"]))
        status = str(answer.get("status", ""))
        if status in MOVED or status.startswith("Mounted from"):
            found.append(status)
    return found


class DockerEngine:
    """One connection to a Docker Engine.

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

    def way(self, folder: Path, wanted: str) -> Way:
        """See `ContainerEngine`."""
        return decide(
            read_place(
                address=self._address,
                kernel=self._kernel,
                container=self.own_container(),
                folder=folder,
                # Asked only where a port is wanted: every run begins with this.
                has_networks=wanted in {"auto", "socket", "network"} or self._has_networks(),
            ),
            wanted,
        )

    def _has_networks(self) -> bool:
        with translated("listing its networks"):
            return any(
                one.attrs["Driver"] not in {"null", "host"} for one in self._client.networks.list()
            )

    def own_container(self) -> OwnContainer | None:
        """See `ContainerEngine`."""
        return find_own_container(self._inspect, self._in_networks_of_others)

    def running_since(self, container_id: str) -> str:
        """See `ContainerEngine`."""
        state = (self._inspect(container_id) or {}).get("State") or {}
        return str(state.get("StartedAt", "")) if state.get("Running") else ""

    def _inspect(self, container_id: str) -> Mapping[str, Any] | None:
        with translated(f"inspecting {container_id}"):
            try:
                return dict(self._client.api.inspect_container(container_id))
            except docker.errors.NotFound:
                return None

    def _in_networks_of_others(self) -> list[str]:
        """The ids of containers that have no network of their own, but another container's."""
        with translated("listing containers"):
            found = self._client.api.containers()
        modes = [(str(one["Id"]), str(one["HostConfig"].get("NetworkMode"))) for one in found]
        return [container for container, mode in modes if mode.startswith("container:")]

    @functools.cached_property
    def _kernel(self) -> str:
        return str(self._info()["KernelVersion"])

    def is_here(self) -> bool:
        """See `ContainerEngine`."""
        near = is_near(self._address) or self.own_container() is not None
        return near and self._kernel == platform.release()

    def architecture(self) -> str:
        """See `ContainerEngine`."""
        with translated("asking about its version"):
            return str(self._client.version()["Arch"])

    def free_bytes(self) -> int | None:
        """See `ContainerEngine`; what others than containers take there, nobody tells."""
        if self.is_here():
            return None
        free = int(self._info().get("MemTotal") or 0)
        with translated("listing containers"):
            running = self._client.api.containers()
        for entry in running:
            # One that ends meanwhile takes nothing any more.
            with suppress(EngineError):
                free -= self.memory_bytes(Container(id=str(entry["Id"]), name=str(entry["Id"])))
        return max(0, free)

    def _info(self) -> dict[str, Any]:
        with translated("asking about it"):
            return dict(self._client.info())

    def image_labels(self, image: str) -> dict[str, str] | None:
        """See `ContainerEngine`."""
        with translated(f"looking for {image}"):
            try:
                return dict(self._client.images.get(image).labels)
            except docker.errors.ImageNotFound:
                return None

    def image_digest(self, image: str) -> str:
        """See `ContainerEngine`."""
        with translated(f"looking for {image}"):
            found = self._client.images.get(image)
        digests = [str(one).partition("@") for one in found.attrs.get("RepoDigests") or []]
        repository = image.rpartition(":")[0] or image
        # The same image may have been pushed elsewhere, too; where it comes from counts.
        own = [digest for name, _, digest in digests if name == repository]
        return (own or sorted(digest for *_, digest in digests) or [str(found.id)])[0]

    def build(self, folder: Path, image: str, labels: Mapping[str, str]) -> None:
        """See `ContainerEngine`."""
        with translated(f"building {image}"):
            self._patient.images.build(
                path=str(folder), tag=image, labels=dict(labels), rm=True, forcerm=True, pull=False
            )

    def pull(self, image: str) -> None:
        """See `ContainerEngine`."""
        try:
            with translated(f"pulling {image}"):
                self._patient.images.pull(image)
        except EngineError as error:
            raise ImageUnavailableError(
                f"The image {image} is not on the engine and cannot be pulled: {error.message}",
                "Check its name and the engine's access to the registry.",
            ) from error

    def start(self, spec: ContainerSpec) -> Container:
        """See `ContainerEngine`."""
        try:
            return self._start(spec)
        except EngineError as error:
            if isinstance(error, EngineUnreachableError) or (
                self.image_labels(spec.image) is not None
            ):
                raise
            raise ImageUnavailableError(
                f"The engine has no image {spec.image}.",
                "Somebody has removed it meanwhile. Run it again to have it made anew.",
            ) from error

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
            where: Any = (spec.publish, None)
            container.ports = {f"{spec.port}/tcp": where}
        container.with_name(spec.name).with_command(list(spec.command)).with_kwargs(**options)
        with translated(f"starting {spec.name} from {spec.image}"):
            try:
                container.start()
                started = container.get_wrapped_container()
                found = str(started.id)
                port = None if spec.port is None else self._published(found, spec.port)
                address = self._address_in(spec.network, found) if spec.network else ""
            except BaseException:
                # The name is ours alone; a container that was only created has it, too.
                with suppress(EngineError):
                    self.remove(Container(id=spec.name, name=spec.name))
                raise
        return Container(id=found, name=spec.name, port=port, address=address)

    def _address_in(self, network: str, container_id: str) -> str:
        found = self._client.containers.get(container_id)
        endpoint = found.attrs["NetworkSettings"]["Networks"].get(network) or {}
        address = endpoint.get("IPAddress") or endpoint.get("GlobalIPv6Address")
        if not address:
            raise ServerError(
                f"The server {found.name} has no address in the network {network}; its last "
                f"lines:\n{last_lines(found.logs(tail=20).decode(errors='replace'))}"
            )
        return str(address)

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
        with translated(f"inspecting {container.name}"):
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
            paused=bool(state.get("Paused")),
            exit_code=int(state["ExitCode"]),
            log=log,
            out_of_memory=out_of_memory or bool(state.get("OOMKilled")),
        )

    def log(self, container: Container) -> str:
        """All that a container has written, running or not."""
        with translated(f"reading the log of {container.name}"):
            written: Any = self._client.api.logs(container.id)
        return bytes(written).decode(errors="replace")

    def memory_bytes(self, container: Container) -> int:
        """See `ContainerEngine`; the sum is that of `docker stats`."""
        with translated(f"measuring {container.name}"):
            found: Any = self._client.api.stats(container.id, stream=False, one_shot=True)
        memory = found.get("memory_stats") or {}
        details = memory.get("stats") or {}
        cache = details.get("total_inactive_file", details.get("inactive_file", 0))
        return max(0, int(memory.get("usage", 0)) - int(cache))

    def first_process(self, container: Container) -> int | None:
        """See `ContainerEngine`."""
        state = (self._inspect(container.id) or {}).get("State") or {}
        return int(state.get("Pid") or 0) or None

    def execute(self, container: Container, command: Sequence[str], stdin: bytes) -> None:
        """See `ContainerEngine`."""
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
            # Through ssh it is a process, which has ended with the command.
            with suppress(OSError):
                channel.close()
            code = api.exec_inspect(execution)["ExitCode"]
        if code != 0:
            raise EngineError(
                f"{command[0]} in {container.name} ended with code {code}: "
                f"{last_lines(output.decode(errors='replace'), 3)}"
            )

    def stop(self, container: Container, seconds: float) -> int:
        """See `ContainerEngine`."""
        with translated(f"stopping {container.name}"):
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
        with translated(f"committing {container.name}"):
            answer = self._patient.api.commit(container.id, conf=configuration)
        return str(answer["Id"])

    def tag(self, image_id: str, image: str) -> None:
        """See `ContainerEngine`."""
        repository, _, tag = image.rpartition(":")
        with translated(f"naming {image}"):
            self._client.api.tag(image_id, repository, tag)

    def remove(self, container: Container) -> None:
        """See `ContainerEngine`."""
        with translated(f"removing {container.name}"):
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
        with translated(f"removing the image {image_id}"), suppress(docker.errors.NotFound):
            self._client.images.remove(image_id, force=True)

    def images(self, name: str, *, sizes: bool = False) -> list[ImageFacts]:
        """See `ContainerEngine`."""
        with translated(f"listing the images of {name}"):
            found: list[Any] = self._client.api.images(name=name)
        return [
            ImageFacts(
                name=str(tag),
                id=str(entry["Id"]),
                labels=dict(entry["Labels"] or {}),
                created=float(entry["Created"]),
                own_size=size,
            )
            for entry in found
            if (size := self._own_size(str(entry["Id"])) if sizes else 0) is not None
            for tag in entry["RepoTags"] or ()
        ]

    def _own_size(self, image_id: str) -> int | None:
        """The bytes of an image's last layer; None if somebody has removed it meanwhile."""
        history: Any = self._client.api.history
        try:
            with translated(f"asking about {image_id}"):
                return int(history(image_id)[0]["Size"])
        except ImageUnavailableError:
            return None

    def remove_unused_image(self, image: str) -> bool:
        """See `ContainerEngine`."""
        with translated(f"removing the image {image}"):
            try:
                self._client.images.remove(image, force=False)
            except docker.errors.NotFound:
                return True
            except docker.errors.APIError as error:
                if error.status_code == HTTPStatus.CONFLICT:
                    return False
                raise
        return True

    def push(self, image: str, target: str) -> Travelled:
        """See `ContainerEngine`; the credentials are those of `docker login`."""
        repository, _, tag = target.rpartition(":")
        self.tag(image, target)
        try:
            with registry_translated(f"pushing {target}"):
                answers = self._patient.api.push(repository, tag=tag, stream=True, decode=True)
                statuses = _statuses(answers)
        finally:
            # Only the name is ours to remove: the image has another one.
            with translated(f"removing the name {target}"), suppress(docker.errors.ImageNotFound):
                self._client.images.remove(target, force=False, noprune=True)
        sent = statuses.count("Pushed")
        return Travelled(layers=sent, present=len(statuses) - sent)

    def fetch(self, source: str) -> Travelled | None:
        """See `ContainerEngine`; the credentials are those of `docker login`."""
        repository, _, tag = source.rpartition(":")
        try:
            with registry_translated(f"pulling {source}"):
                answers = self._patient.api.pull(repository, tag=tag, stream=True, decode=True)
                statuses = _statuses(answers)
        except RegistryError as error:
            if any(words in error.message.lower() for words in NOT_THERE):
                return None
            raise
        came = statuses.count("Pull complete")
        return Travelled(layers=came, present=len(statuses) - came)

    def save(self, image: str, file: Path) -> None:
        """See `ContainerEngine`; it is saved without its name, which is given anew."""
        try:
            with translated(f"saving {image}"):
                found = self._patient.images.get(image)
                with file.open("wb") as out:
                    out.writelines(self._patient.api.get_image(str(found.id)))
        except OSError as error:
            raise EngineError(f"{file} cannot be written: {error}.") from error

    def load(self, file: Path) -> str:
        """See `ContainerEngine`; what has no name would be taken for half-made."""
        refuse_names(file)
        name = f"{LOADING}:{secrets.token_hex(8)}"
        with translated(f"loading {file}"), file.open("rb") as content:
            (loaded,) = self._patient.images.load(content)
            self.tag(str(loaded.id), name)
        return name

    def nameless_images(self, label: str) -> list[tuple[str, dict[str, str]]]:
        """See `ContainerEngine`."""
        with translated("listing images"):
            found = self._client.images.list(filters={"label": label, "dangling": True})
        return [(str(image.id), dict(image.labels)) for image in found]

    def labelled(self, label: str) -> list[tuple[Container, dict[str, str]]]:
        """See `ContainerEngine`."""
        with translated("listing containers"):
            found = self._client.api.containers(all=True, filters={"label": label})
        return [
            (
                Container(id=str(entry["Id"]), name=str(entry["Names"][0]).lstrip("/")),
                dict(entry["Labels"]),
            )
            for entry in found
        ]


_: type[ContainerEngine] = DockerEngine
