"""Starts servers, each in a container, and waits until they answer."""

from __future__ import annotations

import functools
import secrets
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import BACKENDS, Backend
from ctest_containers.backends.api import DATA_FOLDER, SOCKET_FOLDER
from ctest_containers.clock import Deadline
from ctest_containers.engine import Container, ContainerEngine, ContainerSpec, labels
from ctest_containers.engine.transports import ServerTransport
from ctest_containers.errors import EngineError, EngineUnreachableError, ImageUnavailableError
from ctest_containers.model import OWNER, Address, Secret, Transport
from ctest_containers.servers.exports import complete_copy
from ctest_containers.servers.ready import await_server
from ctest_containers.servers.requests import StartServer
from ctest_containers.servers.run_containers import AGAIN_SECONDS, RunContainers
from ctest_containers.servers.running_server import RunningServer

HOSTS_FILE: Final = "hosts"
"""The file in the run's folder that is `/etc/hosts` in servers without a network."""

START_TRIES: Final = 3
"""How many times the engine may refuse to start a server."""


class ServerStarter:
    """Starts the servers of one run.

    Args:
        run: The run's id, which is part of every container's name.
        folder: The run's folder, in which each server gets a folder.
        run_labels: The labels of every container.
        transport: `auto`, or the value of a transport.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        containers: RunContainers,
        *,
        run: str,
        folder: Path,
        run_labels: Mapping[str, str],
        transport: str,
    ) -> None:
        self._engine = engine
        self._containers = containers
        self._run = run
        self._folder = folder
        self._labels = run_labels
        self._transport = transport
        # PostgreSQL before 15 collects its statistics through `localhost`.
        (folder / HOSTS_FILE).write_text("127.0.0.1 localhost\n::1 localhost\n")
        (folder / HOSTS_FILE).chmod(0o644)

    def start(self, request: StartServer) -> tuple[RunningServer, dict[str, Any]]:
        """Start a server; try again if the engine restarts, or if a port is taken.

        Without https://docs.docker.com/engine/daemon/live-restore/, a restart ends containers.

        Returns:
            The server, and the result of the request.

        Raises:
            EngineError: The engine does not start the server.
            ServerError: The server does not answer, or is no longer needed.
        """
        deadline = Deadline(request.timeout_seconds)
        refusals = 0
        chosen = self._chosen
        while True:
            try:
                return self._start_once(request, chosen, deadline)
            except ImageUnavailableError:
                raise
            except EngineError as error:
                refusals += not isinstance(error, EngineUnreachableError)
                self._containers.remove(request.server)
                if refusals >= START_TRIES or deadline.passed or self._containers.is_closing:
                    raise
            time.sleep(AGAIN_SECONDS)

    @functools.cached_property
    def _chosen(self) -> ServerTransport:
        """How servers are reached, found out before the first one starts."""
        return self._engine.choose_transport(self._folder, self._transport)

    def _start_once(
        self, request: StartServer, chosen: ServerTransport, deadline: Deadline
    ) -> tuple[RunningServer, dict[str, Any]]:
        backend = BACKENDS[request.vendor]
        launch = backend.launch(
            transport=chosen.transport, own_image=request.own_image, settings=request.settings
        )
        folder = self._folder / request.server
        folder.mkdir(exist_ok=True)
        # The server runs as a user of its container; other users cannot enter the run's folder.
        folder.chmod(0o777)
        by_socket = chosen.transport is Transport.SOCKET
        container = self._containers.start(
            request.server,
            ContainerSpec(
                name=f"ctest-{self._run}-{request.server}",
                image=request.image,
                command=launch.command,
                memory_bytes=request.memory_bytes,
                environment=launch.environment,
                capabilities=launch.capabilities,
                labels={**self._labels, labels.ROLE: request.server},
                folder=None if chosen.folder is None else chosen.folder / request.server,
                mount=SOCKET_FOLDER,
                port=backend.port if chosen.transport is Transport.PORT else None,
                publish=chosen.publish,
                publish_port=request.port,
                network=chosen.network,
                hosts=None if chosen.folder is None else chosen.folder / HOSTS_FILE,
                laid_over=Path(request.laid_over) if request.laid_over else None,
                data_folder=DATA_FOLDER,
            ),
        )
        password = Secret() if by_socket else Secret(secrets.token_hex(16))
        address = Address(
            host=str(folder) if by_socket else container.address or chosen.host,
            port=container.port or backend.port,
            user=backend.admin,
            password=password,
            socket=str(folder / backend.socket_file()) if by_socket else "",
        )
        info = await_server(self._engine, backend, container, address, deadline)
        address = replace(address, identity=info.identity)
        # Changes matter only where a template may be made from the server.
        initial = {} if request.fingerprint else dict(backend.variables(address))
        if request.privileges == OWNER and not request.own_image:
            self._help_owners(backend, container, address)
        backend.prepare(address, request.users, request.memberships, request.privileges)
        if request.pending:
            complete_copy(request.vendor, address, request.pending)
        server = RunningServer(container, folder, backend, launch, address, request, initial)
        return server, {
            "address": asdict(address),
            "container": container.name,
            "version": info.version,
        }

    def _help_owners(self, backend: Backend, container: Container, address: Address) -> None:
        """Let owners create the extensions of a third-party image, if possible.

        Otherwise, a migration that creates such an extension fails with PostgreSQL's own error.
        """
        if command := backend.owners_command(address):
            with suppress(EngineError):
                self._engine.execute(container, command, b"")
