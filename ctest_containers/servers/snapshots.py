"""Makes images of servers: templates and layers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ctest_containers.backends.catalog import catalog_digest
from ctest_containers.backends.sessions import end_sessions
from ctest_containers.engine import ContainerEngine, labels
from ctest_containers.errors import EngineError, TemplateError
from ctest_containers.servers.contents import (
    Contents,
    check_contents,
    contents_digest,
    read_contents,
)
from ctest_containers.servers.requests import SaveLayer, StartServer, TakeSnapshot
from ctest_containers.servers.running_server import RunningServer


class Snapshots:
    """Makes images of a run's servers.

    Args:
        run_labels: The labels of the run's containers.
        start: Starts a server that must keep running.
        remove: Removes a server by its name.
    """

    def __init__(
        self,
        engine: ContainerEngine,
        *,
        run_labels: Mapping[str, str],
        start: Callable[[StartServer], RunningServer],
        remove: Callable[[str], None],
    ) -> None:
        self._engine = engine
        self._run_labels = run_labels
        self._start = start
        self._remove = remove

    def take(self, server: RunningServer, request: TakeSnapshot) -> None:
        """Stop a server and make a template of it, which gets its name after a proof.

        Raises:
            TemplateError: The server did not stop cleanly, or a server started from the template
                has other contents.
        """
        server.backend.mark(server.address, request.databases, request.fingerprint)
        end_sessions(server.backend.vendor, server.address)
        contents = read_contents(server.backend, server.address, request.databases)
        server.backend.settle(server.address, server.request.users, server.initial)
        code = self._engine.stop(server.container, request.timeout_seconds)
        if code != 0:
            raise TemplateError(
                f"The template server did not stop cleanly (code {code}), so it is not kept."
            )
        described = {
            labels.ROLE: labels.TEMPLATE,
            labels.CATALOG: catalog_digest(contents.catalogs),
            labels.DATABASES: json.dumps(request.databases),
            **request.labels,
        }
        image_id = self._commit(server, described)
        try:
            self._remove(request.server)
            self._prove(server, image_id, request, contents)
        except BaseException:
            self._engine.remove_image(image_id)
            raise
        # The name comes last, so an image that has it is complete.
        self._engine.tag(image_id, request.image)

    def save_layer(self, server: RunningServer, request: SaveLayer) -> None:
        """Make an image of a server that keeps running."""
        server.backend.checkpoint(server.address, server.initial)
        described = {
            labels.ROLE: labels.LAYER,
            labels.CONTENTS: digest_of_contents(server, request.databases),
            labels.DATABASES: json.dumps(request.databases),
            **request.labels,
        }
        image_id = self._commit(server, described)
        try:
            self._engine.tag(image_id, request.image)
        except EngineError:
            self._engine.remove_image(image_id)
            raise

    def _commit(self, server: RunningServer, described: Mapping[str, str]) -> str:
        """Make an image of a server, running or not, and return its id."""
        # The environment may contain a password, which must not be in the image.
        reset = dict.fromkeys(server.launch.environment, "")
        image_labels: dict[str, Any] = {
            **dict.fromkeys(self._run_labels, ""),
            # The image that the server started from may have others.
            **dict.fromkeys(labels.DESCRIBING, ""),
            labels.BUILDER: self._run_labels[labels.OWNER],
            labels.PROJECT: self._run_labels[labels.PROJECT],
            **described,
        }
        return self._engine.commit(server.container, image_labels, reset)

    def _prove(
        self, server: RunningServer, image_id: str, request: TakeSnapshot, contents: Contents
    ) -> None:
        """Check that a server started from the new image has the same contents.

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
            address = self._start(proof).address
            check_contents(contents, read_contents(server.backend, address, request.databases))
        finally:
            self._remove(name)


def digest_of_contents(server: RunningServer, databases: Sequence[str]) -> str:
    """Return a digest of the contents of databases, and of how the server is reached.

    If it is reached through a port, its data include the roles' passwords.
    """
    contents = read_contents(server.backend, server.address, databases)
    return f"{'socket' if server.address.socket else 'port'} {contents_digest(contents)}"
