"""The process that owns a run's containers; started as `python -c`, spoken to in JSON lines."""

from __future__ import annotations

import functools
import json
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ctest_containers.backends import BACKENDS, Backend, Launch
from ctest_containers.backends.api import SOCKET_FOLDER
from ctest_containers.backends.catalog import catalog_digest
from ctest_containers.backends.sessions import end_sessions
from ctest_containers.capacity.memory import used_by_group
from ctest_containers.clock import Deadline
from ctest_containers.engine import Container, ContainerSpec, labels
from ctest_containers.engine.docker import DockerEngine
from ctest_containers.engine.folders import (
    dead_run_folders,
    name_container,
    remove_folder,
)
from ctest_containers.engine.reaper import owner_is_dead, reap
from ctest_containers.engine.transports import Way
from ctest_containers.errors import (
    CtestError,
    EngineError,
    EngineUnreachableError,
    ImageUnavailableError,
    ServerError,
    TemplateError,
)
from ctest_containers.model import GUEST, OWNER, SUPERUSER, Address, Secret, Transport
from ctest_containers.servers.contents import (
    Contents,
    check_contents,
    contents_digest,
    read_catalogs,
    read_contents,
)
from ctest_containers.servers.ready import await_server
from ctest_containers.servers.requests import (
    AskArchitecture,
    AskMemory,
    AskServerMemory,
    BuildBase,
    Closed,
    DigestContents,
    DigestImage,
    DropName,
    EndSessions,
    ExplainServer,
    FindTemplate,
    KeepLayer,
    KeepServer,
    ListImages,
    LoadImage,
    NameImage,
    NoteContainer,
    PullImage,
    PushImage,
    ReadCatalogs,
    ReadMarks,
    RemoveImage,
    RemoveServer,
    Request,
    SaveImage,
    SettleRoles,
    Snapshot,
    StartServer,
)

HOSTS_FILE = "hosts"
"""In the run's folder: what is `/etc/hosts` in servers without network."""

START_TRIES = 3
"""How often the engine may refuse to start a server."""

AWAY_SECONDS = 5.0
"""What an engine that has stopped gets to come back before its containers are left to `clean`."""

MEASURE_EVERY_SECONDS = 2.0
"""Between two looks at how much memory servers take."""

AGAIN_SECONDS = 0.2
"""Between two attempts at something that the engine refused, or was not there for."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that this process started.

    Attributes:
        initial: The result of `Backend.variables` at the start; empty with a fingerprint.
    """

    container: Container
    folder: Path
    backend: Backend
    launch: Launch
    address: Address
    request: StartServer
    initial: Mapping[str, str]


class ServerHost:
    """The containers of one run.

    Args:
        run: The run's id, which is part of every container's name.
        folder: A folder of the run's own, open to its user alone; removed at the end.
        owner: The parent's process id; whose death leaves the containers without an owner.
        transport: `auto`, or the value of a transport.
        service: The file of the service that is to keep its servers; empty where none is.
    """

    def __init__(
        self,
        *,
        run: str,
        folder: Path,
        owner: int,
        project: str,
        transport: str,
        service: str = "",
    ) -> None:
        self._run = run
        self._folder = folder
        self._project = project
        self._engine = DockerEngine()
        own = self._engine.own_container()
        self._own_label = own.label if own else ""
        self._note_container(folder)
        # PostgreSQL before 15 collects its statistics through `localhost`.
        (folder / HOSTS_FILE).write_text("127.0.0.1 localhost\n::1 localhost\n")
        (folder / HOSTS_FILE).chmod(0o644)
        self._labels = {
            labels.RUN: run,
            labels.OWNER: labels.owner(owner, self._own_label),
            labels.PROJECT: project,
        }
        if service:
            self._labels[labels.SERVICE] = service
        self._servers: dict[str, Server] = {}
        self._containers: dict[str, Container] = {}
        self._unwanted: set[str] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._closing = False
        self._peaks: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._processes: dict[str, int | None] = {}
        self._wanted = transport

    def answer(self, request: Request) -> Any:
        """Do what a request asks and give the answer, which JSON can carry."""
        match request:
            case AskArchitecture():
                return self._engine.architecture()
            case AskMemory():
                return self._engine.free_bytes()
            case AskServerMemory():
                return dict(self._sizes)
            case FindTemplate():
                return self._engine.image_labels(request.image)
            case ListImages():
                found = self._engine.images(request.name, sizes=request.sizes)
                return [asdict(one) for one in found]
            case DigestImage():
                return self._digest(request.image)
            case BuildBase():
                return self._build_base(request)
            case StartServer():
                return self._start_checked(request)
            case EndSessions():
                server = self._servers[request.server]
                return end_sessions(server.backend.vendor.value, server.address)
            case ReadCatalogs():
                server = self._servers[request.server]
                return read_catalogs(server.backend, server.address, request.databases)
            case SettleRoles():
                return self._settle_roles(request)
            case Snapshot():
                return self._snapshot(request)
            case KeepLayer():
                return self._keep_layer(request)
            case DigestContents():
                server = self._servers[request.server]
                return _contents_of(server, request.databases)
            case ExplainServer():
                return self._explain(request.server, Deadline(request.wait_seconds))
            case ReadMarks():
                marked = self._servers[request.server]
                return dict(marked.backend.marks(marked.address, request.databases))
            case RemoveImage():
                return self._engine.remove_unused_image(request.image)
            case DropName():
                return self._engine.remove_image(request.image)
            case NameImage():
                return self._engine.tag(request.image, request.name)
            case PushImage():
                return asdict(self._engine.push(request.image, request.target))
            case PullImage():
                came = self._engine.fetch(request.source)
                return None if came is None else asdict(came)
            case SaveImage():
                return self._engine.save(request.image, Path(request.file))
            case LoadImage():
                return self._engine.load(Path(request.file))
            case NoteContainer():
                return self._note_container(Path(request.folder))
            case KeepServer():
                return self._keep(request)
            case RemoveServer():
                return self._remove(request.server)

    def reap(self) -> None:
        """Remove what dead runs left behind; trouble with that is not this run's trouble."""
        with suppress(CtestError):
            reap(self._engine, self._project)
            # The folders of those in containers that only the engine can tell to be dead.
            for folder in dead_run_folders(functools.partial(owner_is_dead, self._engine)):
                remove_folder(folder)

    def sweep(self) -> Closed:
        """Remove what a host of this run has left, which ended before it could do so itself."""
        for container, found in self._engine.labelled(labels.RUN):
            kept = labels.is_kept(found.get(labels.SERVICE, ""), container.name)
            if found[labels.RUN] == self._run and not kept:
                self._containers[container.name] = container
        return self.close()

    def close(self, away_seconds: float = AWAY_SECONDS, *, others_remove: bool = False) -> Closed:
        """Remove every container of this run and its folder, and give what could not be removed.

        Args:
            away_seconds: What an engine that has stopped gets to come back.
            others_remove: Whether other threads are still at work, and remove what they began to.
        """
        with self._lock:
            self._closing = True
            self._ending.set()
            going = set(self._unwanted) if others_remove else set()
            known = {one.name: one for key, one in self._containers.items() if key not in going}
        deadline = Deadline(away_seconds)
        left = known
        last = [one for key, one in [*self._servers.items()] if key not in going]
        if last:
            with ThreadPoolExecutor(max_workers=8) as pool:
                pool.map(functools.partial(self._measure, last=True), last)
            self._servers.clear()
        reasons: list[str] = []
        while left:
            with ThreadPoolExecutor(max_workers=8) as pool:
                failures = list(pool.map(self._try_to_remove, left.values()))
            reasons = [failure.message for failure in failures if failure is not None]
            left = {one: left[one] for one, bad in zip(left, failures, strict=True) if bad}
            with self._lock:
                for server, container in [*self._containers.items()]:
                    if container.name in known and container.name not in left:
                        del self._containers[server]
            if deadline.passed:
                break
            if left:
                # The engine may be on its way back.
                time.sleep(AGAIN_SECONDS)
        remove_folder(self._folder)
        return Closed(
            left=tuple(sorted(left)), reason=reasons[0] if reasons else "", peaks=dict(self._peaks)
        )

    def _note_container(self, folder: Path) -> None:
        if self._own_label:
            name_container(folder, self._own_label)

    def _digest(self, image: str) -> str:
        if self._engine.image_labels(image) is None:
            self._engine.pull(image)
        return self._engine.image_digest(image)

    def _build_base(self, request: BuildBase) -> None:
        if self._engine.image_labels(request.image) is None:
            context = {labels.CONTEXT: request.context}
            self._engine.build(Path(request.folder), request.image, context)

    def _start_checked(self, request: StartServer, *, must_stay: bool = False) -> dict[str, Any]:
        """Start a server, and refuse it if it lacks the databases that it is to have.

        An empty data folder looks like success, and so might a template that somebody has made.
        """
        answer = self._start(request)
        server = self._servers.get(request.server)
        if server is None or not request.databases:
            return answer
        try:
            marks = server.backend.marks(server.address, request.databases)
        except ServerError:
            # It has gone again, which its worker finds out; a template is proven by one that stays.
            if must_stay:
                raise
            return answer
        missing = [one for one in request.databases if marks.get(one) != request.fingerprint]
        if missing:
            self._remove(request.server)
            self._engine.remove_image(request.image)
            raise TemplateError(
                f"A server started from {request.image} lacks the database {missing[0]!r}.",
                "The image has been removed. If the next one is no better, the base image keeps "
                "its data in a VOLUME, which a commit leaves out.",
            )
        return answer

    def _start(self, request: StartServer) -> dict[str, Any]:
        """Start a server; an engine that is away for a moment, or a port that was taken, is no end.

        https://docs.docker.com/engine/daemon/live-restore/: without it, a restart ends containers.
        """
        deadline = Deadline(request.timeout_seconds)
        refusals = 0
        way = self._way
        while True:
            try:
                return self._start_once(request, way, deadline)
            except ImageUnavailableError:
                raise
            except EngineError as error:
                refusals += not isinstance(error, EngineUnreachableError)
                self._forget(request.server)
                if refusals >= START_TRIES or deadline.passed or self._closing:
                    raise
            time.sleep(AGAIN_SECONDS)

    @functools.cached_property
    def _way(self) -> Way:
        """How servers are reached, found out when the first one is to be."""
        return self._engine.way(self._folder, self._wanted)

    def _start_once(self, request: StartServer, way: Way, deadline: Deadline) -> dict[str, Any]:
        backend = BACKENDS[request.vendor]
        launch = backend.launch(
            transport=way.transport, own_image=request.own_image, settings=request.settings
        )
        folder = self._folder / request.server
        folder.mkdir(exist_ok=True)
        # The server runs as a user of its container's; the folder above lets nobody else in.
        folder.chmod(0o777)
        by_socket = way.transport is Transport.SOCKET
        name = f"ctest-{self._run}-{request.server}"
        container = self._start_container(
            request.server,
            ContainerSpec(
                name=name,
                image=request.image,
                command=launch.command,
                memory_bytes=request.memory_bytes,
                environment=launch.environment,
                capabilities=launch.capabilities,
                labels={**self._labels, labels.ROLE: request.server},
                folder=None if way.folder is None else way.folder / request.server,
                mount=SOCKET_FOLDER,
                port=backend.port if way.transport is Transport.PORT else None,
                publish=way.publish,
                network=way.network,
                hosts=None if way.folder is None else way.folder / HOSTS_FILE,
            ),
        )
        password = Secret() if by_socket else Secret(secrets.token_hex(16))
        address = Address(
            host=str(folder) if by_socket else container.address or way.host,
            port=container.port or backend.port,
            user=backend.admin,
            password=password,
            socket=str(folder / backend.socket_file()) if by_socket else "",
        )
        answer = await_server(self._engine, backend, container, address, deadline)
        address = replace(address, identity=answer.identity)
        # Changes matter only where a template may be made from the server.
        initial = {} if request.fingerprint else dict(backend.variables(address))
        if request.privileges == OWNER and not request.own_image:
            self._help_owners(backend, container, address)
        backend.prepare(address, request.users, request.memberships, request.privileges)
        self._servers[request.server] = Server(
            container, folder, backend, launch, address, request, initial
        )
        return {
            "address": asdict(address),
            "container": container.name,
            "version": answer.version,
        }

    def _help_owners(self, backend: Backend, container: Container, address: Address) -> None:
        """Let owners create the extensions of a third-party image, if possible.

        If it is not, a migration that creates such an extension fails with PostgreSQL's own error.
        """
        if command := backend.owners_command(address):
            with suppress(EngineError):
                self._engine.execute(container, command, b"")

    def _start_container(self, server: str, spec: ContainerSpec) -> Container:
        with self._lock:
            if self._closing:
                raise ServerError("The run is ending; no server is started any more.")
        container = self._engine.start(spec)
        with self._lock:
            # Other threads may have begun to close, or to remove it, while this one started it.
            unwanted = bool(self._closing) or server in self._unwanted
            self._containers[server] = container
        if unwanted:
            self._try_to_remove(container)
            raise ServerError(f"The server {container.name} is not needed any more.")
        return container

    def _settle_roles(self, request: SettleRoles) -> bool:
        server = self._servers[request.server]
        backend, address, users = server.backend, server.address, request.users
        guests = tuple(user for user in users if user not in server.request.users)
        backend.prepare(address, guests, request.memberships, GUEST)
        is_restricted = backend.is_restricted(address, users)
        if server.request.privileges == SUPERUSER or (request.promote and not is_restricted):
            backend.promote_roles(address, users)
        return is_restricted

    def _snapshot(self, request: Snapshot) -> None:
        server = self._servers[request.server]
        server.backend.mark(server.address, request.databases, request.fingerprint)
        end_sessions(server.backend.vendor.value, server.address)
        contents = read_contents(server.backend, server.address, request.databases)
        server.backend.settle(server.address, server.request.users, server.initial)
        code = self._engine.stop(server.container, request.timeout_seconds)
        if code != 0:
            raise TemplateError(
                f"The template server did not stop cleanly (code {code}), so it is not kept."
            )
        image_id = self._commit(
            server,
            {
                labels.ROLE: labels.TEMPLATE,
                labels.CATALOG: catalog_digest(contents.catalogs),
                labels.DATABASES: json.dumps(request.databases),
                **request.labels,
            },
        )
        try:
            self._remove(request.server)
            self._prove(server, image_id, request, contents)
        except BaseException:
            self._engine.remove_image(image_id)
            raise
        # The name is given last: an image that has it is complete.
        self._engine.tag(image_id, request.image)

    def _keep_layer(self, request: KeepLayer) -> None:
        if self._engine.image_labels(request.image) is not None:
            return
        server = self._servers[request.server]
        server.backend.checkpoint(server.address, server.initial)
        contents = _contents_of(server, request.databases)
        image_id = self._commit(
            server,
            {
                labels.ROLE: labels.LAYER,
                labels.CONTENTS: contents,
                labels.DATABASES: json.dumps(request.databases),
                **request.labels,
            },
        )
        try:
            self._engine.tag(image_id, request.image)
        except EngineError:
            self._engine.remove_image(image_id)
            raise

    def _commit(self, server: Server, described: Mapping[str, str]) -> str:
        """Make an image of a server, running or not, and give its id."""
        # Whatever the environment carried, a password perhaps, is no part of the image.
        reset = dict.fromkeys(server.launch.environment, "")
        found = {
            **dict.fromkeys(self._labels, ""),
            # Those of an image that it has started from.
            **dict.fromkeys(labels.DESCRIBING, ""),
            labels.BUILDER: self._labels[labels.OWNER],
            labels.PROJECT: self._project,
            **described,
        }
        return self._engine.commit(server.container, found, reset)

    def _prove(self, server: Server, image_id: str, request: Snapshot, contents: Contents) -> None:
        """Start a server from the new image, and compare its contents with these.

        Raises:
            TemplateError: The contents differ.
        """
        name = f"{request.server}-proof"
        proof = replace(
            server.request,
            server=name,
            image=image_id,
            users=(),
            memberships=(),
            privileges="",
            fingerprint=request.fingerprint,
            databases=request.databases,
        )
        try:
            self._start_checked(proof, must_stay=True)
            address = self._servers[name].address
            check_contents(contents, read_contents(server.backend, address, request.databases))
        finally:
            self._remove(name)

    def _explain(self, server: str, deadline: Deadline) -> str:
        found = self._servers.get(server)
        if found is None:
            return ""
        try:
            while True:
                state = self._engine.state(found.container)
                hurt = state.out_of_memory or found.backend.crash_in(state.log)
                if hurt or not state.running or deadline.passed:
                    break
                time.sleep(0.02)
        except EngineError as error:
            return f"The server {found.container.name} is gone: {error.message}"
        return f"The server {found.container.name} {state}" if hurt or not state.running else ""

    def measure(self) -> None:
        """Look at the memory of every server from time to time, until this closes."""
        while not self._ending.wait(MEASURE_EVERY_SECONDS):
            for server in list(self._servers.values()):
                self._measure(server)

    def _measure(self, server: Server, *, last: bool = False) -> None:
        """Note the memory of a server; the engine, which may take a second, is asked last.

        Args:
            last: Whether its end waits for this. What others of its group took will do then.
        """
        name, group = server.request.server, server.request.group
        with suppress(EngineError):
            if name not in self._processes:
                self._processes[name] = self._engine.first_process(server.container)
            process = self._processes[name]
            count = None if process is None else used_by_group(process, server.container.id)
            if count is None:
                if last and group in self._peaks:
                    return
                count = self._engine.memory_bytes(server.container)
            self._peaks[group] = max(count, self._peaks.get(group, 0))
            self._sizes[name] = count

    def _keep(self, request: KeepServer) -> dict[str, Any]:
        """Let go of a server; its socket moves, which the container does not notice."""
        with self._lock:
            if self._closing:
                raise ServerError("The run is ending; no server is kept any more.")
            found = self._servers.pop(request.server)
            self._containers.pop(request.server)
        address = found.address
        if not address.socket:
            return asdict(address)
        folder = Path(request.folder)
        found.folder.rename(folder)
        moved = str(folder / Path(address.socket).name)
        host = str(folder) if address.host == str(found.folder) else address.host
        return asdict(replace(address, host=host, socket=moved))

    def _remove(self, server: str) -> None:
        with self._lock:
            self._unwanted.add(server)
        if (known := self._servers.get(server)) is not None:
            self._measure(known, last=True)
        self._sizes.pop(server, None)
        self._forget(server)

    def _forget(self, server: str) -> None:
        """Remove what there is of a server; one that cannot be removed now is when this closes."""
        with self._lock:
            container = self._containers.get(server)
        if container is not None and self._try_to_remove(container) is None:
            with self._lock:
                self._containers.pop(server, None)
        found = self._servers.pop(server, None)
        if found is not None:
            remove_folder(found.folder)

    def _try_to_remove(self, container: Container) -> EngineError | None:
        try:
            self._engine.remove(container)
        except EngineError as error:
            return error
        return None


def _contents_of(server: Server, databases: Sequence[str]) -> str:
    """What identifies the contents of some databases, and how the server is reached.

    Through a port, roles have passwords, which are a part of the server's data.
    """
    found = read_contents(server.backend, server.address, databases)
    return f"{'socket' if server.address.socket else 'port'} {contents_digest(found)}"
