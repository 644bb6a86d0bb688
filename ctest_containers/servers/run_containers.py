"""The containers of one run, until each is removed."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from ctest_containers.clock import Deadline
from ctest_containers.engine import Container, Containers, ContainerSpec
from ctest_containers.errors import EngineError, ServerError

AGAIN_SECONDS: Final = 0.2
"""The time between two attempts if the engine refuses, or does not answer."""


class RunContainers:
    """Starts containers, one for each server, and removes them; it is thread-safe."""

    def __init__(self, engine: Containers) -> None:
        self._engine = engine
        self._containers: dict[str, Container] = {}
        self._unwanted: set[str] = set()
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def is_closing(self) -> bool:
        """Whether the run is ending."""
        return self._closing.is_set()

    def wait_for_end(self, seconds: float) -> bool:
        """Wait until the run is ending, at most this long; return whether it is."""
        return self._closing.wait(seconds)

    def add(self, container: Container) -> None:
        """Take over a container that another host of the run has left behind."""
        self._containers[container.name] = container

    def start(self, server: str, spec: ContainerSpec) -> Container:
        """Start the container of a server.

        Raises:
            EngineError: The engine does not start it.
            ServerError: The run is ending, or the server is no longer needed.
        """
        with self._lock:
            if self.is_closing:
                raise ServerError("The run is ending; no more servers are started.")
        container = self._engine.start(spec)
        with self._lock:
            # Other threads may have begun to close or to remove it meanwhile.
            unwanted = server in self._unwanted or self._closing.is_set()
            self._containers[server] = container
        if unwanted:
            self._try_to_remove(container)
            raise ServerError(f"The server {container.name} is no longer needed.")
        return container

    def release(self, server: str) -> None:
        """Hand a server's container over to another owner.

        Raises:
            ServerError: The run is ending.
        """
        with self._lock:
            if self.is_closing:
                raise ServerError("The run is ending; no more servers are kept.")
            self._containers.pop(server)

    def note_unwanted(self, server: str) -> None:
        """Have the container of a server removed, even if it has not started yet."""
        with self._lock:
            self._unwanted.add(server)

    def remove(self, server: str) -> None:
        """Remove the container of a server; if that fails now, `remove_all` tries again."""
        with self._lock:
            container = self._containers.get(server)
        if container is not None and self._try_to_remove(container) is None:
            with self._lock:
                self._containers.pop(server, None)

    def begin_closing(self, *, others_remove: bool) -> Mapping[str, Container]:
        """Start no more containers.

        Args:
            others_remove: Whether other threads still run, and finish the removals they began.

        Returns:
            The containers to remove, by their servers.
        """
        with self._lock:
            self._closing.set()
            unwanted = self._unwanted if others_remove else set()
            return {
                server: container
                for server, container in self._containers.items()
                if server not in unwanted
            }

    def remove_all(
        self, containers: Mapping[str, Container], deadline: Deadline
    ) -> tuple[tuple[str, ...], str]:
        """Remove these containers.

        Args:
            deadline: How long to wait for an engine that has stopped.

        Returns:
            The names of those that are left, and the engine's reason for the first.
        """
        left = {container.name: container for container in containers.values()}
        names = set(left)
        reasons: list[str] = []
        while left:
            with ThreadPoolExecutor(max_workers=8) as pool:
                failures = list(pool.map(self._try_to_remove, left.values()))
            reasons = [failure.message for failure in failures if failure is not None]
            left = {name: left[name] for name, bad in zip(left, failures, strict=True) if bad}
            with self._lock:
                for server, container in [*self._containers.items()]:
                    if container.name in names and container.name not in left:
                        del self._containers[server]
            if deadline.passed:
                break
            if left:
                # The engine may be restarting.
                time.sleep(AGAIN_SECONDS)
        return tuple(sorted(left)), reasons[0] if reasons else ""

    def _try_to_remove(self, container: Container) -> EngineError | None:
        try:
            self._engine.remove(container)
        except EngineError as error:
            return error
        return None
