"""The server host that owns a run's containers, and the run's folder."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from ctest_containers.engine.folders import dead_run_folders, make_run_folder, remove_folder
from ctest_containers.errors import EngineError
from ctest_containers.model import DatabaseGroup
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.servers.requests import AskMemory, Closed
from ctest_containers.servers.standby import STANDBY

MEMORY_SECONDS: Final = 10.0
"""How long an engine may take to say how much memory it has."""


class RunHost:
    """Starts the server host and makes the folder when each is first needed.

    Args:
        project: The project's name, which labels the run's containers.
        transport: The option of this name.
        run_id: The run's id, which is part of its containers' names; empty for a new one.
    """

    def __init__(self, project: str, transport: str, run_id: str = "") -> None:
        self.run_id = run_id or secrets.token_hex(4)
        self._project = project
        self._transport = transport
        self._client: ServerHostClient | None = None
        self._folder: Path | None = None

    @property
    def is_started(self) -> bool:
        """Whether the server host has been needed."""
        return self._client is not None

    def client(self) -> ServerHostClient:
        """Return the connection to the server host; start the host if necessary."""
        if self._client is None:
            self._client = ServerHostClient(
                run=self.run_id,
                folder=self.folder(),
                project=self._project,
                transport=self._transport,
            )
        return self._client

    def descriptors(self) -> tuple[int, ...]:
        """Return the file descriptors of the connection, which a forked worker must close.

        A host that waits for this run is ended, because workers would inherit its pipes.
        """
        if self._client is None:
            STANDBY.end()
            return ()
        return self._client.descriptors()

    def folder(self) -> Path:
        """Return the run's folder; make it if necessary, after removing those of dead runs."""
        if self._folder is None:
            for dead in dead_run_folders():
                remove_folder(dead)
            self._folder = make_run_folder(self.run_id)
        return self._folder

    def free_bytes(self, groups: Iterable[DatabaseGroup]) -> int | None:
        """Return how much memory is free where the engine runs, in bytes.

        Returns:
            None if that is this machine, whose memory the caller measures; if no group needs the
            engine; or if it does not answer.
        """
        if not any(group.has_server for group in groups):
            return None
        with suppress(EngineError):
            free = self.client().call(AskMemory(), MEMORY_SECONDS)
            return None if free is None else int(free)
        return None

    def drop_ahead(self) -> None:
        """Remove the servers that were started ahead of time and have not been claimed."""
        if self._client is not None:
            self._client.drop_ahead()

    @contextmanager
    def of_forked_child(self) -> Iterator[None]:
        """Give a forked child a host and a folder of its own during the block."""
        inherited = self._client
        for descriptor in () if inherited is None else inherited.descriptors():
            os.close(descriptor)
        self._client = self._folder = None
        self.run_id = secrets.token_hex(4)
        try:
            yield
        finally:
            self.close()
            # Its descriptors are closed, and may have been reused.
            self._client = inherited

    def close(self) -> Closed | None:
        """Remove every server and the folder.

        Returns:
            What could not be removed; None if no server host was started.
        """
        client, self._client = self._client, None
        closed = None if client is None else client.close()
        if self._folder is not None:
            remove_folder(self._folder)
            self._folder = None
        return closed
