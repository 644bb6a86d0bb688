"""The servers of workers: those that are up, and those that are starting."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from ctest_containers.clock import Deadline
from ctest_containers.codec import build
from ctest_containers.errors import EngineError, ServerError
from ctest_containers.events import Event, ServerMeasured, ServerReady
from ctest_containers.model import Address, AnyLease
from ctest_containers.originals import ORIGINALS
from ctest_containers.servers.client import ANSWER_SECONDS, Claim, Reply, ServerHostClient
from ctest_containers.servers.requests import (
    AskServerMemory,
    ExplainServer,
    ExportChanges,
    RemoveServer,
    ServerLimits,
    StartServer,
)
from ctest_containers.supply.pending import Export, Pending
from ctest_containers.supply.resource import Snapshot

MEMORY_EVERY_SECONDS = 2.0
"""The time between two requests for the memory that the servers use."""

EXPLAIN_SECONDS = 10.0
"""How long the engine may take to say how a server is doing, in seconds."""


class WorkerServers:
    """The servers of every worker of a run; worker 0 is the parent itself.

    Args:
        host: Returns the server host, and starts it if it does not run yet.
        limits: The limits of each server.
        folder: Returns the run's folder.
    """

    def __init__(
        self,
        *,
        host: Callable[[], ServerHostClient],
        limits: ServerLimits,
        report: Callable[[Event], None],
        folder: Callable[[], Path],
    ) -> None:
        self._host = host
        self._limits = limits
        self._report = report
        self._folder = folder
        self._snapshots: dict[str, Snapshot] = {}
        self._pending: dict[tuple[int, str], Pending] = {}
        self._leases: dict[tuple[int, str], tuple[AnyLease, ...]] = {}
        self._first: dict[tuple[int, str], StartServer] = {}
        self._workers: int | None = None
        self._started = 0
        self._exports: list[Export] = []
        self._memory_request: int | None = None
        self._memory_asked = 0.0
        self._host_error: EngineError | None = None

    def offer(self, snapshot: Snapshot, was_there: bool) -> None:  # noqa: FBT001
        """Start servers from this snapshot from now on.

        Servers that a forecast requested are removed if they start from another snapshot with the
        same label, or were requested before this one existed.
        """
        self._snapshots[snapshot.label] = snapshot
        self._leases = {key: self._leases[key] for key in self._leases if key[1] != snapshot.label}
        for (worker, label), pending in list(self._pending.items()):
            current = was_there and pending.snapshot.identity == snapshot.identity
            if label == snapshot.label and not current:
                self._remove(worker, label)
        if not was_there and snapshot.request("", self._limits) is not None:
            self._first = {key: self._first[key] for key in self._first if key in self._pending}
            # Their template may have been incomplete.
            self._host().drop_ahead()

    def expect(self, worker: int, snapshots: Iterable[Snapshot]) -> None:
        """Request a worker's servers now, so that they are up when they are needed.

        Raises:
            EngineError: The server host has ended, or found no engine.
        """
        for snapshot in snapshots:
            key = (worker, snapshot.label)
            if key in self._pending or snapshot.request("", self._limits) is None:
                continue
            if self._host_error is not None:
                raise self._host_error
            host = self._host()
            name = f"w{worker}-{snapshot.label}-{host.named_ahead + self._started + 1}"
            request = snapshot.request(name, self._limits)
            assert request is not None
            self._first.setdefault(key, request)
            claim = host.claim(request)
            if claim is None:
                self._started += 1
                claim = Claim(request.server, host.request(request), ORIGINALS.monotonic())
            pending = Pending(claim.server, snapshot, claim.number, claim.began)
            self._pending[key] = pending
            if claim.reply is not None:
                self._take_reply(worker, pending, claim.reply)

    def expect_all(self, needs: Sequence[Collection[str]], workers: int) -> None:
        """Request the servers of `workers` workers, and remove those of other workers.

        Args:
            needs: What each batch needs; at most one server is started for each batch that uses it.
        """
        self._workers = workers
        for worker, label in list(self._pending):
            if worker > workers:
                self._remove(worker, label)
                self._first.pop((worker, label), None)
        for snapshot in self._snapshots.values():
            users = sum(snapshot.serves(names) for names in needs)
            for worker in range(1, min(workers, users) + 1):
                self.expect(worker, [snapshot])

    def first(self) -> tuple[StartServer, ...]:
        """Return the first server of each worker and snapshot, as the next run may request it."""
        requests = sorted(
            (key, request)
            for key, request in self._first.items()
            if self._workers is None or key[0] <= self._workers
        )
        return tuple(
            replace(request, server=f"w{worker}-{label}-{number}")
            for number, ((worker, label), request) in enumerate(requests, start=1)
        )

    def fileno(self) -> int | None:
        """See `Supplier`."""
        if self._is_waiting() or self._exports or self._memory_request is not None:
            return self._host().fileno()
        return None

    def update(self, timeout_seconds: float = 0.0) -> None:
        """See `Supplier`."""
        self._request_memory()
        if self.fileno() is None:
            return
        try:
            replies = {reply.number: reply for reply in self._host().replies(timeout_seconds)}
        except EngineError as error:
            if any(server.is_needed and not server.reply for server in self._pending.values()):
                raise
            for export in self._exports:
                export.reply = Reply(export.number, error=error)
            self._exports.clear()
            # Workers keep their servers. A worker that needs another one gets this error.
            self._memory_request, self._host_error = None, error
            self._pending = {key: server for key, server in self._pending.items() if server.reply}
            return
        self._take_memory(replies)
        for export in self._exports:
            export.reply = replies.get(export.number)
        self._exports = [export for export in self._exports if export.reply is None]
        for (worker, _), pending in self._pending.items():
            if pending.number in replies:
                self._take_reply(worker, pending, replies[pending.number])

    def _take_reply(self, worker: int, pending: Pending, reply: Reply) -> None:
        pending.reply = reply
        if reply.error is not None:
            return
        for event in pending.snapshot.check(reply.result["version"]):
            self._report(event)
        self._report(
            ServerReady(
                worker=worker,
                group=pending.snapshot.label,
                container=reply.result["container"],
                version=reply.result["version"],
                seconds=ORIGINALS.monotonic() - pending.requested,
            )
        )

    def _is_waiting(self) -> bool:
        return any(pending.reply is None for pending in self._pending.values())

    def _request_memory(self) -> None:
        """Request periodically how much memory the servers use, without waiting for the reply."""
        up = any(pending.reply is not None for pending in self._pending.values())
        now = ORIGINALS.monotonic()
        if up and self._memory_request is None and now - self._memory_asked >= MEMORY_EVERY_SECONDS:
            self._memory_asked = now
            # The next request that needs a reply reports a host that has died.
            with suppress(EngineError):
                self._memory_request = self._host().request(AskServerMemory())

    def _take_memory(self, replies: Mapping[int, Reply]) -> None:
        reply = None if self._memory_request is None else replies.get(self._memory_request)
        if reply is None:
            return
        self._memory_request = None
        sizes = reply.result or {}
        for (worker, label), pending in self._pending.items():
            if pending.name in sizes:
                count = sizes[pending.name]
                self._report(ServerMeasured(worker=worker, group=label, memory_bytes=count))

    def acquire(self, worker: int, needs: Collection[str]) -> Sequence[AnyLease] | None:
        """See `Supplier`.

        Raises:
            ServerError: A server of this worker could not be started.
        """
        needed = [each for each in self._snapshots.values() if each.serves(needs)]
        self.expect(worker, needed)
        leases: list[AnyLease] = []
        for snapshot in needed:
            key = (worker, snapshot.label)
            address = None
            if (pending := self._pending.get(key)) is not None:
                pending.is_needed = True
                if pending.reply is None:
                    return None
                address = build(Address, pending.reply.get()["address"])
            if key not in self._leases:
                folder = self._folder() / f"w{worker}"
                folder.mkdir(exist_ok=True)
                self._leases[key] = tuple(snapshot.leases(folder, address))
            leases += self._leases[key]
        return leases

    def await_leases(self, worker: int, needs: Collection[str]) -> Sequence[AnyLease]:
        """Do the same as `acquire`, but wait for servers that are starting."""
        deadline = Deadline(self._limits.timeout_seconds + ANSWER_SECONDS)
        while (leases := self.acquire(worker, needs)) is None:
            if deadline.passed:
                raise ServerError(f"No server for {', '.join(needs)} started in time.")
            self.update(min(1.0, deadline.remaining))
        return leases

    def explain(self, worker: int, *, wait_seconds: float) -> str:
        """See `Supplier`."""
        states = []
        for (number, _), pending in self._pending.items():
            if number == worker and pending.reply is not None and pending.reply.error is None:
                with suppress(EngineError):
                    request = ExplainServer(server=pending.name, wait_seconds=wait_seconds)
                    states.append(str(self._host().call(request, EXPLAIN_SECONDS)))
        return "\n".join(filter(None, states))

    def export(self, worker: int, folder: Path) -> list[Export]:
        """Begin to archive what a worker's servers have changed; `update` takes the replies.

        Args:
            folder: The folder of the archives.
        """
        exports = []
        for (number, label), pending in self._pending.items():
            request = pending.snapshot.request(pending.name, self._limits)
            is_up = pending.reply is not None and pending.reply.error is None
            if number == worker and is_up and request is not None:
                file = folder / f"{label}.tar.gz"
                exporting = ExportChanges(
                    server=pending.name, databases=request.databases, file=str(file)
                )
                exports.append(Export(pending.snapshot, self._host().request(exporting), file))
        self._exports += exports
        return exports

    def has_any(self, worker: int) -> bool:
        """Return whether a worker has a server."""
        return any(number == worker for number, _ in self._pending)

    @property
    def snapshots(self) -> Collection[Snapshot]:
        """The snapshots from which servers start."""
        return self._snapshots.values()

    def release(self, worker: int) -> None:
        """See `Supplier`."""
        self._leases = {key: self._leases[key] for key in self._leases if key[0] != worker}
        for number, label in list(self._pending):
            if number == worker:
                self._remove(worker, label)

    def release_all(self) -> None:
        """Remove every server, without waiting until they are gone."""
        # The next request that needs a reply reports a host that has died.
        with suppress(EngineError):
            for worker, label in list(self._pending):
                self._remove(worker, label)

    def _remove(self, worker: int, label: str) -> None:
        self._leases.pop((worker, label), None)
        pending = self._pending.pop((worker, label))
        self._host().request(RemoveServer(server=pending.name))
