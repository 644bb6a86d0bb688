"""The databases of a kept failure on servers of their own, and those of its templates."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import sqlite
from ctest_containers.backends.leases import server_leases
from ctest_containers.clock import Deadline
from ctest_containers.codec import build
from ctest_containers.config import Config
from ctest_containers.errors import EngineError, ServerError
from ctest_containers.failures.store import Stored
from ctest_containers.model import Address, Lease
from ctest_containers.opening.origins import BuildTemplates, Origin, OriginFinder
from ctest_containers.servers.client import ANSWER_SECONDS
from ctest_containers.servers.requests import ServerLimits, StartServer, start_request
from ctest_containers.supply.run_host import RunHost

FAILED: Final = "failed"
TEMPLATE: Final = "template"
"""How the names of servers and folders begin, by the state that their databases have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDatabase:
    """The database of an alias, which may be changed and is removed at the end.

    Attributes:
        container: The name of its server's container; empty for SQLite.
    """

    lease: Lease
    container: str = ""


Databases = Mapping[str, OpenDatabase]
"""Databases by their aliases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDatabases:
    """The databases of a failure.

    Attributes:
        failed: As they were when the test failed.
        template: As they were before any test ran; empty if not requested.
    """

    failed: Databases
    template: Databases


@contextmanager
def opened(
    stored: Stored,
    config: Config,
    build_templates: BuildTemplates,
    *,
    ports: Mapping[str, int] | None = None,
    with_template: bool = False,
    meanwhile: Callable[[], None] = lambda: None,
) -> Iterator[OpenDatabases]:
    """Create the databases of a failure, and remove them when the block ends.

    Args:
        ports: The ports on which the servers of aliases are published; others get any free port.
        with_template: Whether to create the databases of the templates as well.
        meanwhile: Called while servers start.

    Raises:
        CtestError: A template is missing, or a server does not start.
    """
    host = RunHost(stored.failure.project, config.transport)
    try:
        folder = host.folder()
        origins = OriginFinder(
            stored, host.client, build_templates, needs_template=with_template
        ).find()
        servers = _Servers(host, config)
        for origin in origins:
            if origin.databases.plan.has_server:
                servers.start_failed(origin, ports or {})
                if with_template:
                    servers.start(origin, TEMPLATE)
        meanwhile()
        servers.wait()
        failed: dict[str, OpenDatabase] = {}
        template: dict[str, OpenDatabase] = {}
        for origin in origins:
            if origin.databases.plan.has_server:
                failed |= servers.databases(origin, FAILED)
                template |= servers.databases(origin, TEMPLATE) if with_template else {}
            else:
                files = {
                    alias: stored.folder / name
                    for alias, name in (origin.databases.files or {}).items()
                }
                failed |= _copies(origin, files, folder / FAILED)
                if with_template:
                    source = Path(origin.template)
                    files = {alias: sqlite.file_of(source, alias) for alias in files}
                    template |= _copies(origin, files, folder / TEMPLATE)
        yield OpenDatabases(failed=failed, template=template)
    finally:
        host.close()


class _Servers:
    """The servers of a failure, from their requests to their answers."""

    def __init__(self, host: RunHost, config: Config) -> None:
        self._host = host
        self._limits = ServerLimits(
            timeout_seconds=config.server_timeout, memory_bytes=config.server_memory
        )
        self._names: dict[int, str] = {}
        self._answers: dict[str, dict[str, Any]] = {}

    def start(self, origin: Origin, state: str) -> None:
        """Request a server with the databases of the template."""
        self._request(self._plain(origin, state))

    def start_failed(self, origin: Origin, ports: Mapping[str, int]) -> None:
        """Request a server with the databases of the failure."""
        databases = origin.databases
        self._request(
            replace(
                self._plain(origin, FAILED),
                laid_over=str(origin.files or ""),
                pending=databases.pending if origin.rows is None else origin.rows.read_text(),
                port=next((ports[alias] for alias in databases.plan.aliases if alias in ports), 0),
            )
        )

    def wait(self) -> None:
        """Wait until every server answers queries.

        Raises:
            CtestError: One does not start.
        """
        deadline = Deadline(self._limits.timeout_seconds + ANSWER_SECONDS)
        while self._names:
            if deadline.passed:
                raise ServerError("The server of the failure did not start in time.")
            for reply in self._host.client().replies(min(1.0, deadline.remaining)):
                self._answers[self._names.pop(reply.number)] = reply.get()

    def databases(self, origin: Origin, state: str) -> dict[str, OpenDatabase]:
        """Return the databases of a server that has answered, by their aliases."""
        answer = self._answers[_name(origin, state)]
        address = build(Address, answer["address"])
        leases = server_leases(origin.databases.plan, address)
        return {
            lease.alias: OpenDatabase(lease=lease, container=answer["container"])
            for lease in leases
        }

    def _plain(self, origin: Origin, state: str) -> StartServer:
        request = start_request(
            origin.databases.plan,
            server=_name(origin, state),
            image=origin.template,
            own_image=origin.own_image,
            limits=self._limits,
            fingerprint=origin.databases.fingerprint,
        )
        # A test may have dropped its database, and the image would be removed if one is missing.
        return replace(request, databases=())

    def _request(self, request: StartServer) -> None:
        self._names[self._host.client().request(request)] = request.server


def _name(origin: Origin, state: str) -> str:
    return f"{state}-{origin.databases.group}"


def _copies(origin: Origin, files: Mapping[str, Path], folder: Path) -> dict[str, OpenDatabase]:
    """Copy SQLite databases into a folder, and return them by their aliases.

    Args:
        files: The file of each database, by the first of its aliases.

    Raises:
        EngineError: One cannot be copied.
    """
    databases = {}
    try:
        folder.mkdir(exist_ok=True)
        for plan in origin.databases.plan.databases:
            if plan.aliases[0] not in files:
                # The test's class has not declared it.
                continue
            copy = sqlite.file_of(folder, plan.aliases[0])
            shutil.copyfile(files[plan.aliases[0]], copy)
            for alias in plan.aliases:
                databases[alias] = OpenDatabase(
                    lease=Lease(alias=alias, settings={"NAME": str(copy)})
                )
    except OSError as error:
        raise EngineError(
            f"The database cannot be copied to {folder}: {error}.",
            "Free space there, or set TMPDIR to another folder for temporary files.",
        ) from error
    return databases
