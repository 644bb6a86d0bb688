"""The server host, which owns a run's containers and carries out the parent's requests."""

from __future__ import annotations

import functools
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends.sessions import end_sessions
from ctest_containers.clock import Deadline
from ctest_containers.engine import labels
from ctest_containers.engine.docker import DockerEngine
from ctest_containers.engine.folders import dead_run_folders, name_container, remove_folder
from ctest_containers.engine.reaper import owner_is_dead, reap
from ctest_containers.errors import CtestError, EngineError, ServerError, TemplateError
from ctest_containers.model import GUEST, SUPERUSER
from ctest_containers.servers import requests
from ctest_containers.servers.contents import read_catalogs
from ctest_containers.servers.exports import export_changes
from ctest_containers.servers.memory import ServerMemory
from ctest_containers.servers.run_containers import RunContainers
from ctest_containers.servers.running_server import RunningServer
from ctest_containers.servers.snapshots import Snapshots, digest_of_contents
from ctest_containers.servers.starter import ServerStarter

AWAY_SECONDS: Final = 5.0
"""How long to wait for an engine that has stopped before its containers are left to `clean`."""

MEASURE_EVERY_SECONDS: Final = 2.0
"""The time between two measurements of the memory of servers."""


class ServerHost:
    """The containers of one run.

    Args:
        run: The run's id, which is part of every container's name.
        folder: The run's folder, which only its user can read; removed at the end.
        owner: The process id of the parent, which owns the containers.
        transport: `auto`, or the value of a transport.
        service: The file of the service that keeps its servers; empty if there is none.
    """

    def __init__(
        self, *, run: str, folder: Path, owner: int, project: str, transport: str, service: str = ""
    ) -> None:
        self._run = run
        self._folder = folder
        self._project = project
        self._engine = DockerEngine()
        own = self._engine.own_container()
        self._own_label = own.label if own else ""
        self._note_container(folder)
        run_labels = {
            labels.RUN: run,
            labels.OWNER: labels.owner(owner, self._own_label),
            labels.PROJECT: project,
        }
        if service:
            run_labels[labels.SERVICE] = service
        self._servers: dict[str, RunningServer] = {}
        self._containers = RunContainers(self._engine)
        self._starter = ServerStarter(
            self._engine,
            self._containers,
            run=run,
            folder=folder,
            run_labels=run_labels,
            transport=transport,
        )
        self._memory = ServerMemory(self._engine)
        self._snapshots = Snapshots(
            self._engine, run_labels=run_labels, start=self._start_to_stay, remove=self._remove
        )

    def answer(self, request: requests.Request) -> Any:
        """Carry out a request, and return its result as values that JSON can represent."""
        match request:
            case requests.AskArchitecture():
                return self._engine.architecture()
            case requests.AskMemory():
                return self._engine.free_bytes()
            case requests.AskServerMemory():
                return dict(self._memory.sizes)
            case requests.FindTemplate():
                return self._engine.image_labels(request.image)
            case requests.FindImage():
                facts = self._engine.image_facts(request.image)
                return None if facts is None else asdict(facts)
            case requests.ListImages():
                images = self._engine.images(request.name, sizes=request.sizes)
                return [asdict(image) for image in images]
            case requests.DigestImage():
                return self._digest(request.image)
            case requests.BuildBase():
                return self._build_base(request)
            case requests.StartServer():
                return self._start_checked(request)
            case requests.EndSessions():
                server = self._servers[request.server]
                return end_sessions(server.backend.vendor, server.address)
            case requests.ReadCatalogs():
                server = self._servers[request.server]
                return read_catalogs(server.backend, server.address, request.databases)
            case requests.SettleRoles():
                return self._settle_roles(request)
            case requests.TakeSnapshot():
                return self._snapshots.take(self._servers[request.server], request)
            case requests.SaveLayer():
                if self._engine.image_labels(request.image) is None:
                    self._snapshots.save_layer(self._servers[request.server], request)
                return None
            case requests.DigestContents():
                server = self._servers[request.server]
                return digest_of_contents(server, request.databases)
            case requests.ExplainServer():
                return self._explain(request.server, Deadline(request.wait_seconds))
            case requests.ExportChanges():
                return export_changes(self._engine, self._servers[request.server], request)
            case requests.ReadMarks():
                server = self._servers[request.server]
                return dict(server.backend.marks(server.address, request.databases))
            case requests.RemoveImage():
                return self._engine.remove_unused_image(request.image)
            case requests.DropName():
                return self._engine.remove_image(request.image)
            case requests.NameImage():
                return self._engine.tag(request.image, request.name)
            case requests.PushImage():
                return asdict(self._engine.push(request.image, request.target))
            case requests.PullImage():
                travelled = self._engine.fetch(request.source)
                return None if travelled is None else asdict(travelled)
            case requests.SaveImage():
                return self._engine.save(request.image, Path(request.file))
            case requests.LoadImage():
                return self._engine.load(Path(request.file))
            case requests.NoteContainer():
                return self._note_container(Path(request.folder))
            case requests.KeepServer():
                return self._keep(request)
            case requests.RemoveServer():
                return self._remove(request.server)

    def reap(self) -> None:
        """Remove what dead runs have left behind; errors do not concern this run."""
        with suppress(CtestError):
            reap(self._engine, self._project)
            # Only the engine knows whether runs in containers are dead.
            for folder in dead_run_folders(functools.partial(owner_is_dead, self._engine)):
                remove_folder(folder)

    def sweep(self) -> requests.Closed:
        """Remove what another host of this run has left behind."""
        for container, container_labels in self._engine.labelled(labels.RUN):
            is_kept = labels.is_kept(container_labels.get(labels.SERVICE, ""), container.name)
            if container_labels[labels.RUN] == self._run and not is_kept:
                self._containers.add(container)
        return self.close()

    def close(
        self, away_seconds: float = AWAY_SECONDS, *, others_remove: bool = False
    ) -> requests.Closed:
        """Remove this run's containers and folder, and return what could not be removed.

        Args:
            away_seconds: How long to wait for an engine that has stopped.
            others_remove: Whether other threads still run, and finish the removals they began.
        """
        deadline = Deadline(away_seconds)
        containers = self._containers.begin_closing(others_remove=others_remove)
        last = [server for name, server in [*self._servers.items()] if name in containers]
        if last:
            with ThreadPoolExecutor(max_workers=8) as pool:
                pool.map(functools.partial(self._memory.measure, last=True), last)
            self._servers.clear()
        left, reason = self._containers.remove_all(containers, deadline)
        remove_folder(self._folder)
        return requests.Closed(left=left, reason=reason, peaks=dict(self._memory.peaks))

    def measure(self) -> None:
        """Measure the memory of every server periodically until the host closes."""
        while not self._containers.wait_for_end(MEASURE_EVERY_SECONDS):
            for server in list(self._servers.values()):
                self._memory.measure(server)

    def _note_container(self, folder: Path) -> None:
        if self._own_label:
            name_container(folder, self._own_label)

    def _digest(self, image: str) -> str:
        if self._engine.image_labels(image) is None:
            self._engine.pull(image)
        return self._engine.image_digest(image)

    def _build_base(self, request: requests.BuildBase) -> None:
        if self._engine.image_labels(request.image) is None:
            context = {labels.CONTEXT: request.context}
            self._engine.build(Path(request.folder), request.image, context)

    def _start_checked(
        self, request: requests.StartServer, *, must_stay: bool = False
    ) -> dict[str, Any]:
        """Start a server, and check that it has the databases of the request.

        A server starts from an empty data folder or an unrelated image, too.

        Raises:
            TemplateError: A database is missing.
        """
        server, answer = self._starter.start(request)
        self._servers[request.server] = server
        if not request.databases:
            return answer
        try:
            marks = server.backend.marks(server.address, request.databases)
        except ServerError:
            # The server has ended; a worker finds that out, but a proof of a template must fail.
            if must_stay:
                raise
            return answer
        missing = [name for name in request.databases if marks.get(name) != request.fingerprint]
        if missing:
            self._remove(request.server)
            self._engine.remove_image(request.image)
            raise TemplateError(
                f"A server started from {request.image} lacks the database {missing[0]!r}.",
                "The image has been removed. If this happens again, the base image keeps its data "
                "in a VOLUME, which a commit does not include.",
            )
        return answer

    def _start_to_stay(self, request: requests.StartServer) -> RunningServer:
        self._start_checked(request, must_stay=True)
        return self._servers[request.server]

    def _settle_roles(self, request: requests.SettleRoles) -> bool:
        server = self._servers[request.server]
        backend, address, users = server.backend, server.address, request.users
        guests = tuple(user for user in users if user not in server.request.users)
        backend.prepare(address, guests, request.memberships, GUEST)
        is_restricted = backend.is_restricted(address, users)
        if server.request.privileges == SUPERUSER or (request.promote and not is_restricted):
            backend.promote_roles(address, users)
        return is_restricted

    def _explain(self, name: str, deadline: Deadline) -> str:
        server = self._servers.get(name)
        if server is None:
            return ""
        try:
            while True:
                state = self._engine.state(server.container)
                has_crashed = state.out_of_memory or server.backend.crash_in(state.log)
                has_failed = has_crashed or not state.running
                if has_failed or deadline.passed:
                    break
                time.sleep(0.02)
        except EngineError as error:
            return f"The server {server.container.name} is gone: {error.message}"
        return f"The server {server.container.name} {state}" if has_failed else ""

    def _keep(self, request: requests.KeepServer) -> dict[str, Any]:
        """Give up a server, and move its socket, which the container does not notice."""
        self._containers.release(request.server)
        server = self._servers.pop(request.server)
        address = server.address
        if not address.socket:
            return asdict(address)
        folder = Path(request.folder)
        server.folder.rename(folder)
        moved = str(folder / Path(address.socket).name)
        host = str(folder) if address.host == str(server.folder) else address.host
        return asdict(replace(address, host=host, socket=moved))

    def _remove(self, name: str) -> None:
        self._containers.note_unwanted(name)
        if (server := self._servers.get(name)) is not None:
            self._memory.measure(server, last=True)
        self._memory.forget(name)
        self._forget(name)

    def _forget(self, name: str) -> None:
        self._containers.remove(name)
        if (server := self._servers.pop(name, None)) is not None:
            remove_folder(server.folder)
