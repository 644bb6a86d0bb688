"""The process that owns a run's containers; started as `python -c`, spoken to in JSON lines."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from ctest_containers.backends import BACKENDS, Backend, Launch, NotReadyError
from ctest_containers.backends.api import SOCKET_FOLDER
from ctest_containers.clock import Deadline
from ctest_containers.engine import Container, ContainerSpec, labels
from ctest_containers.engine.docker import DockerEngine
from ctest_containers.engine.reaper import reap
from ctest_containers.errors import CtestError, EngineError, ServerError, TemplateError
from ctest_containers.model import Address, Secret, Transport, Vendor
from ctest_containers.servers.requests import (
    REQUESTS,
    BuildBase,
    DigestImage,
    ExplainServer,
    FindTemplate,
    RemoveServer,
    Request,
    Snapshot,
    StartServer,
)

POLL_SECONDS = 0.003
"""Between two attempts to reach a server that is starting."""

INSPECT_EVERY_SECONDS = 0.25
"""Between two looks at whether its container still runs."""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that this process started."""

    container: Container
    folder: Path
    backend: Backend
    launch: Launch
    address: Address
    request: StartServer


class ServerHost:
    """The containers of one run.

    Args:
        run: The run's id, which is part of every container's name.
        folder: A folder of the run's own, open to its user alone; removed at the end.
        owner: The parent's process id; whose death leaves the containers without an owner.
        transport: `auto`, `socket` or `port`.
    """

    def __init__(self, *, run: str, folder: Path, owner: int, project: str, transport: str) -> None:
        self._run = run
        self._folder = folder
        self._project = project
        self._labels = {
            labels.RUN: run,
            labels.OWNER: labels.owner(owner),
            labels.PROJECT: project,
        }
        self._servers: dict[str, Server] = {}
        self._containers: dict[str, Container] = {}
        self._unwanted: set[str] = set()
        self._lock = threading.Lock()
        self._closing = False
        self._engine = DockerEngine()
        if transport == "auto":
            shared = sys.platform == "linux" and self._engine.shares_sockets()
            self._transport = Transport.SOCKET if shared else Transport.PORT
        else:
            self._transport = Transport(transport)

    def answer(self, request: Request) -> Any:
        """Do what a request asks and give the answer, which JSON can carry."""
        match request:
            case FindTemplate():
                return self._engine.image_labels(request.image)
            case DigestImage():
                return self._digest(request.image)
            case BuildBase():
                return self._build_base(request)
            case StartServer():
                return self._start(request)
            case Snapshot():
                return self._snapshot(request)
            case ExplainServer():
                return self._explain(request.server, Deadline(request.wait_seconds))
            case RemoveServer():
                return self._remove(request.server)

    def reap(self) -> None:
        """Remove what dead runs left behind; trouble with that is not this run's trouble."""
        with suppress(CtestError):
            reap(self._engine, self._project)

    def sweep(self) -> None:
        """Remove what a host of this run has left, which ended before it could do so itself."""
        for container, found in self._engine.labelled(labels.RUN):
            if found[labels.RUN] == self._run:
                self._remove_container(container)
        self.close()

    def close(self) -> None:
        """Remove every container of this run and its folder."""
        with self._lock:
            self._closing = True
            left = list(self._containers.values())
        with ThreadPoolExecutor(max_workers=8) as pool:
            for container in left:
                pool.submit(self._remove_container, container)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _digest(self, image: str) -> str:
        if self._engine.image_labels(image) is None:
            self._engine.pull(image)
        return self._engine.image_digest(image)

    def _build_base(self, request: BuildBase) -> None:
        if self._engine.image_labels(request.image) is None:
            context = {labels.CONTEXT: request.context}
            self._engine.build(Path(request.folder), request.image, context)

    def _start(self, request: StartServer) -> dict[str, Any]:
        deadline = Deadline(request.timeout_seconds)
        backend = BACKENDS[request.vendor]
        launch = backend.launch(transport=self._transport, own_image=request.own_image)
        folder = self._folder / request.server
        folder.mkdir()
        # The server runs as a user of its container's; the folder above lets nobody else in.
        folder.chmod(0o777)
        by_port = self._transport is Transport.PORT
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
                folder=None if by_port else folder,
                mount=SOCKET_FOLDER,
                port=backend.port if by_port else None,
            ),
        )
        password = Secret(secrets.token_hex(16)) if by_port else Secret()
        address = Address(
            host="127.0.0.1" if by_port else str(folder),
            port=container.port or backend.port,
            user=backend.admin,
            password=password,
        )
        self._wait(backend, container, address, deadline)
        backend.prepare(address, request.users)
        self._servers[request.server] = Server(container, folder, backend, launch, address, request)
        return {
            "host": address.host,
            "port": address.port,
            "user": address.user,
            "password": str(address.password),
            "container": container.name,
        }

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
            self._remove_container(container)
            raise ServerError(f"The server {container.name} is not needed any more.")
        return container

    def _wait(
        self, backend: Backend, container: Container, address: Address, deadline: Deadline
    ) -> None:
        inspected = time.monotonic()
        has_password = not address.password
        reason = "nothing listens yet"
        while not deadline.passed:
            try:
                if not has_password:
                    command, text = backend.password_statement(address.password)
                    self._engine.execute(container, command, text)
                    has_password = True
                backend.probe(address)
            except NotReadyError as error:
                reason = str(error)
            except EngineError as error:
                reason = error.message
            else:
                return
            if time.monotonic() - inspected > INSPECT_EVERY_SECONDS:
                inspected = time.monotonic()
                state = self._engine.state(container)
                if not state.running:
                    raise ServerError(
                        f"The server {container.name} ended with code {state.exit_code} while "
                        f"starting. Its last lines:\n{state.log}"
                    )
            time.sleep(POLL_SECONDS)
        raise ServerError(
            f"The server {container.name} did not answer within {deadline.seconds:g} seconds: "
            f"{reason}. Its last lines:\n{self._engine.state(container).log}",
            "Give it more time with --server-timeout.",
        )

    def _snapshot(self, request: Snapshot) -> None:
        server = self._servers[request.server]
        server.backend.mark(server.address, request.databases, request.fingerprint)
        server.backend.settle(server.address)
        code = self._engine.stop(server.container, request.timeout_seconds)
        if code != 0:
            raise TemplateError(
                f"The template server did not stop cleanly (code {code}), so it is not kept."
            )
        # Whatever the environment carried, a password perhaps, is no part of the image.
        reset = dict.fromkeys(server.launch.environment, "")
        found = {
            **dict.fromkeys(self._labels, ""),
            labels.ROLE: "template",
            labels.BUILDER: self._labels[labels.OWNER],
            labels.PROJECT: self._project,
            **request.labels,
        }
        image_id = self._engine.commit(server.container, found, reset)
        try:
            self._remove(request.server)
            self._prove(server, image_id, request)
        except BaseException:
            self._engine.remove_image(image_id)
            raise
        # The name is given last: an image that has it is complete.
        self._engine.tag(image_id, request.image)

    def _prove(self, server: Server, image_id: str, request: Snapshot) -> None:
        """Start the new image once and find the marks: an empty data folder looks like success."""
        name = f"{request.server}-proof"
        proof = StartServer(
            server=name,
            image=image_id,
            own_image=server.request.own_image,
            vendor=server.request.vendor,
            users=(),
            timeout_seconds=server.request.timeout_seconds,
            memory_bytes=server.request.memory_bytes,
        )
        try:
            self._start(proof)
            marks = server.backend.marks(self._servers[name].address, request.databases)
        finally:
            self._remove(name)
        missing = [one for one in request.databases if marks.get(one) != request.fingerprint]
        if missing:
            raise TemplateError(
                f"A server started from the new template lacks the database {missing[0]!r}.",
                "The image probably keeps its data in a VOLUME, which a commit leaves out.",
            )

    def _explain(self, server: str, deadline: Deadline) -> str:
        found = self._servers.get(server)
        if found is None:
            return ""
        try:
            while (state := self._engine.state(found.container)).running and not deadline.passed:
                time.sleep(0.02)
        except EngineError as error:
            return f"The server {found.container.name} is gone: {error.message}"
        return "" if state.running else f"The server {found.container.name} {state}"

    def _remove(self, server: str) -> None:
        with self._lock:
            self._unwanted.add(server)
            container = self._containers.get(server)
        if container is not None:
            self._remove_container(container)
        with self._lock:
            self._containers.pop(server, None)
        found = self._servers.pop(server, None)
        if found is not None:
            shutil.rmtree(found.folder, ignore_errors=True)

    def _remove_container(self, container: Container) -> None:
        with suppress(EngineError):
            self._engine.remove(container)


def _decode(fields: dict[str, Any]) -> Request:
    kind: Any = REQUESTS[fields.pop("type")]
    if "vendor" in fields:
        fields["vendor"] = Vendor(fields["vendor"])
    lists = {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    request: Request = kind(**{**fields, **lists})
    return request


def serve(arguments: dict[str, Any], requests: TextIO, answers: TextIO) -> None:
    """Answer requests until their stream ends, then remove everything that was started."""
    lock = threading.Lock()

    def send(answer: dict[str, Any]) -> None:
        with lock, suppress(BrokenPipeError, ValueError):
            answers.write(json.dumps(answer) + "\n")
            answers.flush()

    folder = Path(arguments["folder"])
    sweeping = arguments.pop("sweep")
    try:
        host = ServerHost(**{**arguments, "folder": folder})
    except CtestError as error:
        send({"id": 0, "error": _describe(error)})
        return
    if sweeping:
        host.sweep()
        return
    send({"id": 0, "result": None})

    def handle(number: int, request: Request) -> None:
        try:
            send({"id": number, "result": host.answer(request)})
        except CtestError as error:
            send({"id": number, "error": _describe(error)})
        except Exception:  # noqa: BLE001  # A bug here must not leave the parent waiting.
            send({"id": number, "bug": traceback.format_exc()})

    pool = ThreadPoolExecutor(max_workers=32)
    pool.submit(host.reap)
    try:
        for line in requests:
            fields = json.loads(line)
            pool.submit(handle, fields.pop("id"), _decode(fields))
    finally:
        # Work that has not begun is dropped; containers in the making remove themselves.
        pool.shutdown(wait=False, cancel_futures=True)
        host.close()
        pool.shutdown(wait=True)
        host.close()


def _describe(error: CtestError) -> dict[str, str]:
    return {"type": type(error).__name__, "message": error.message, "hint": error.hint}


def main() -> None:
    """Serve the process that started this one, through its standard input and output."""
    # Ctrl-C at the terminal is the parent's to handle; this process ends when its input does.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(json.loads(sys.argv[1]), sys.stdin, answers)
