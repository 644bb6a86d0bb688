"""Which worker has which databases, and the servers that are on their way."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ctest_containers.backends import sqlite
from ctest_containers.backends.drivers import unfit_drivers
from ctest_containers.backends.leases import server_leases
from ctest_containers.clock import Deadline
from ctest_containers.codec import build
from ctest_containers.errors import EngineError, ServerError
from ctest_containers.events import Event, ServerMeasured, ServerReady
from ctest_containers.model import Address, Lease
from ctest_containers.originals import ORIGINALS
from ctest_containers.servers.client import ANSWER_SECONDS, Claim, Reply, ServerHostClient
from ctest_containers.servers.requests import (
    AskServerMemory,
    ExplainServer,
    RemoveServer,
    StartServer,
    start_request,
)
from ctest_containers.template import Template
from ctest_containers.template.provider import TemplateProvider

MEMORY_EVERY_SECONDS = 2.0
"""Between two questions how much memory the servers take."""

EXPLAIN_SECONDS = 10.0
"""What the engine may take to say how a server is doing."""


@dataclass(slots=True)
class Pending:
    """A server that has been asked for.

    Attributes:
        reply: The host's answer once there is one.
        is_needed: Whether a worker waits for it, rather than a forecast having asked for it.
    """

    name: str
    template: Template
    number: int
    requested: float
    reply: Reply | None = None
    is_needed: bool = False


class WorkerServers:
    """The databases of every worker of a run; worker 0 is the parent itself.

    Args:
        host: Gives the server host, starting it when it does not run yet.
        folder: Where SQLite databases live that the settings want in a file.
    """

    def __init__(
        self,
        *,
        host: Callable[[], ServerHostClient],
        provider: TemplateProvider,
        report: Callable[[Event], None],
        folder: Callable[[], Path],
    ) -> None:
        self._host = host
        self._provider = provider
        self._report = report
        self._folder = folder
        self._templates: dict[str, Template] = {}
        self._pending: dict[tuple[int, str], Pending] = {}
        self._first: dict[tuple[int, str], StartServer] = {}
        self._started = 0
        self._asked: int | None = None
        self._asked_at = 0.0
        self._host_error: EngineError | None = None

    def offer(self, template: Template, *, was_there: bool) -> None:
        """From now on this template serves its aliases.

        Servers that were asked for on the strength of a forecast are given up when they are from
        another template, or were asked for before this one existed.
        """
        for alias in template.group.aliases:
            self._templates[alias] = template
        for (worker, label), pending in list(self._pending.items()):
            current = was_there and pending.template.image == template.image
            if label == template.group.label and not current:
                self._remove(worker, label)
        if not was_there and template.group.has_server:
            self._first = {key: one for key, one in self._first.items() if key in self._pending}
            # Their template may be half of one that was being made.
            self._host().drop_ahead()

    def expect(self, worker: int, templates: Iterable[Template]) -> None:
        """Ask for a worker's servers now, so that they are up when they are needed.

        Raises:
            EngineError: The server host has ended, or found no engine.
        """
        for template in templates:
            group = template.group
            key = (worker, group.label)
            if not group.has_server or key in self._pending:
                continue
            if self._host_error is not None:
                raise self._host_error
            assert template.base is not None
            host = self._host()
            request = start_request(
                group,
                server=f"w{worker}-{group.label}-{host.named_ahead + self._started + 1}",
                image=template.image,
                own_image=bool(template.base.context),
                timeout_seconds=self._provider.server_timeout_seconds,
                memory_bytes=self._provider.server_memory_bytes,
                fingerprint=template.fingerprint,
            )
            self._first.setdefault(key, request)
            claim = host.claim(request)
            if claim is None:
                self._started += 1
                claim = Claim(request.server, host.request(request), ORIGINALS.monotonic())
            pending = Pending(claim.server, template, claim.number, claim.began)
            self._pending[key] = pending
            if claim.reply is not None:
                self._take_reply(worker, pending, claim.reply)

    def first(self) -> tuple[StartServer, ...]:
        """The first server of each worker and group, as the next run may ask for it."""
        asked = sorted(self._first.items())
        return tuple(
            replace(request, server=f"w{worker}-{label}-{number}")
            for number, ((worker, label), request) in enumerate(asked, start=1)
        )

    def keep_workers(self, workers: int) -> None:
        """Give up the servers of workers that the run will not have."""
        for worker, label in list(self._pending):
            if worker > workers:
                self._remove(worker, label)
                self._first.pop((worker, label), None)

    def fileno(self) -> int | None:
        """See `workers.pool.Databases`."""
        if self._is_waiting() or self._asked is not None:
            return self._host().fileno()
        return None

    def update(self, timeout_seconds: float = 0.0) -> None:
        """See `workers.pool.Databases`."""
        self._ask_for_memory()
        if self.fileno() is None:
            return
        try:
            replies = {reply.number: reply for reply in self._host().replies(timeout_seconds)}
        except EngineError as error:
            if any(server.is_needed and not server.reply for server in self._pending.values()):
                raise
            # Workers keep the servers that they have. A worker that needs another one gets this
            # error.
            self._asked, self._host_error = None, error
            self._pending = {key: server for key, server in self._pending.items() if server.reply}
            return
        self._take_memory(replies)
        for (worker, _), pending in self._pending.items():
            if pending.number in replies:
                self._take_reply(worker, pending, replies[pending.number])

    def _take_reply(self, worker: int, pending: Pending, reply: Reply) -> None:
        pending.reply = reply
        if reply.error is not None:
            return
        group = pending.template.group
        for unfit in unfit_drivers(group, reply.result["version"]):
            self._report(unfit)
        self._report(
            ServerReady(
                worker=worker,
                group=group.label,
                container=reply.result["container"],
                version=reply.result["version"],
                seconds=ORIGINALS.monotonic() - pending.requested,
            )
        )

    def _is_waiting(self) -> bool:
        return any(pending.reply is None for pending in self._pending.values())

    def _ask_for_memory(self) -> None:
        """Ask from time to time how much memory the servers take, without waiting for it."""
        up = any(pending.reply is not None for pending in self._pending.values())
        now = ORIGINALS.monotonic()
        if up and self._asked is None and now - self._asked_at >= MEMORY_EVERY_SECONDS:
            self._asked_at = now
            # A host that has died is told of by whoever needs it.
            with suppress(EngineError):
                self._asked = self._host().request(AskServerMemory())

    def _take_memory(self, replies: Mapping[int, Reply]) -> None:
        reply = None if self._asked is None else replies.get(self._asked)
        if reply is None:
            return
        self._asked = None
        sizes = reply.result or {}
        for (worker, label), pending in self._pending.items():
            if pending.name in sizes:
                count = sizes[pending.name]
                self._report(ServerMeasured(worker=worker, group=label, memory_bytes=count))

    def leases(self, worker: int, aliases: Iterable[str]) -> Sequence[Lease] | None:
        """See `workers.pool.Databases`.

        Raises:
            ServerError: A server of this worker could not be started.
        """
        needed = {
            template.group.label: template
            for alias in aliases
            if (template := self._templates.get(alias)) is not None
        }
        self.expect(worker, needed.values())
        leases: list[Lease] = []
        for label, template in needed.items():
            if not template.group.has_server:
                files = self._provider.repository.files(template)
                leases += sqlite.leases(template.group, files, self._folder() / f"w{worker}")
                continue
            pending = self._pending[worker, label]
            pending.is_needed = True
            if pending.reply is None:
                return None
            leases += server_leases(template.group, build(Address, pending.reply.get()["address"]))
        return leases

    def await_leases(self, worker: int, aliases: Iterable[str]) -> Sequence[Lease]:
        """The same, waiting for servers that are on their way."""
        deadline = Deadline(self._provider.server_timeout_seconds + ANSWER_SECONDS)
        names = tuple(aliases)
        while (leases := self.leases(worker, names)) is None:
            if deadline.passed:
                raise ServerError(f"No server for {', '.join(names)} came up in time.")
            self.update(min(1.0, deadline.remaining))
        return leases

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        """See `workers.pool.Databases`."""
        said = []
        for (number, _), pending in self._pending.items():
            if number == worker and pending.reply is not None and pending.reply.error is None:
                with suppress(EngineError):
                    request = ExplainServer(server=pending.name, wait_seconds=wait_seconds)
                    said.append(str(self._host().call(request, EXPLAIN_SECONDS)))
        return "\n".join(filter(None, said))

    def discard(self, worker: int) -> None:
        """See `workers.pool.Databases`."""
        for number, label in list(self._pending):
            if number == worker:
                self._remove(worker, label)

    def finish(self) -> None:
        """Let go of every server, without waiting until they are gone."""
        # A host that has died is told of by whoever waits for it.
        with suppress(EngineError):
            for worker, label in list(self._pending):
                self._remove(worker, label)

    def _remove(self, worker: int, label: str) -> None:
        pending = self._pending.pop((worker, label))
        self._host().request(RemoveServer(server=pending.name))
