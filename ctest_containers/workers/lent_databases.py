"""The databases that a worker's process has been lent."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from ctest_containers.backends import BACKENDS
from ctest_containers.backends.sessions import end_sessions
from ctest_containers.errors import WorkerError
from ctest_containers.events import DatabaseFlushed
from ctest_containers.model import Address, Lease
from ctest_containers.project import connections, service_settings
from ctest_containers.wire import (
    DatabaseRequest,
    RunBatch,
    ServerVerdict,
    UseResources,
    VerdictRequest,
)
from ctest_containers.workers.assignment import Assignment
from ctest_containers.workers.channel import Channel
from ctest_containers.workers.leak_watch import LeakWatch


class DatabaseLost(BaseException):  # It must pass by every `except Exception`.
    """A worker's server has ended."""


class LentDatabases:
    """Uses the databases that the parent lends, and requests those that a test does not declare.

    Args:
        watch: Watches them for leaks; None not to.
    """

    def __init__(
        self, assignment: Assignment, channel: Channel, watch: LeakWatch | None = None
    ) -> None:
        self._watch = watch
        self._worker = assignment.worker
        self._facts: Mapping[str, Mapping[str, str]] = assignment.facts
        self._serialized = assignment.worker_config.serialized
        self._is_spawned = assignment.setup.spawned
        self._channel = channel
        self._aliases: set[str] = set()
        self._leases: list[Lease] = []
        # The aliases still to flush before tests use them, and whether without `post_migrate`.
        self._flushes: dict[str, bool] = {}
        self._flushed_in_batch: set[str] = set()
        self._is_flushing = False

    def use(self, resources: UseResources) -> None:
        """Use these databases and services from now on."""
        for service in resources.services:
            service_settings.apply(service)
        for lease in resources.databases:
            # Filling an SQLite database connects to it.
            self._aliases.add(lease.alias)
            try:
                connections.redirect(lease)
                connections.remember(lease.alias, self._facts.get(lease.alias, {}))
            except BaseException:
                self._aliases.discard(lease.alias)
                raise
            self._leases.append(lease)
        names = {lease.alias for lease in resources.databases}
        connections.serialize(names & self._serialized)
        if self._is_spawned:
            connections.mark_expectations(names)
        if self._watch is not None:
            for lease in resources.databases:
                self._watch.lend(lease)

    def lend(self, alias: str) -> None:
        """Request the database of an alias that is about to connect, unless it is already lent.

        A test that is not a Django test case cannot declare databases, and still finds the others'
        test databases under Django's own runner.

        Raises:
            WorkerError: The run has no such database.
        """
        # What arrives with an answer may connect, and so ask for another database.
        with self._channel.asking:
            if alias in self._aliases:
                return
            self._channel.ask(DatabaseRequest(alias=alias), self.use)
            self._flush(self._aliases & {alias})
            if alias not in self._aliases:
                raise WorkerError(
                    f"A test connects to the database {alias!r}, which none of the selected tests "
                    "declares, so it has not been started.",
                    f"Add {alias!r} to the test class's `databases`.",
                )

    def begin_batch(self, command: RunBatch) -> None:
        """Flush the databases that earlier tests would have flushed in a serial run.

        Other workers ran those tests, on their own servers.
        """
        self._flushes = {alias: alias in command.flush_bare for alias in command.flush}
        self._flush(self._aliases)
        self._flushed_in_batch.clear()

    def note_flush(self, alias: str, bare: bool) -> None:  # noqa: FBT001
        """Report that a test flushes a database; flushes for earlier tests are not reported."""
        if not self._is_flushing and alias not in self._flushed_in_batch:
            self._flushed_in_batch.add(alias)
            self._channel.send(DatabaseFlushed(worker=self._worker, alias=alias, bare=bare))

    def note_flushed(self, alias: str, bare: bool) -> None:  # noqa: FBT001
        """Note that a database has been flushed, by a test or for earlier tests."""
        if self._watch is None:
            return
        if self._is_flushing:
            self._watch.rebase(alias)
        else:
            self._watch.note_flush(alias, bare=bare)

    def _flush(self, aliases: Collection[str]) -> None:
        from django.db import connections as configured
        from django.test import testcases

        module: Any = testcases
        for alias in sorted(self._flushes.keys() & aliases):
            connection = configured[alias]
            was_open = connection.connection is not None
            self._is_flushing = True
            # If it fails, the first test that flushes this database fails with the same error.
            with suppress(Exception):
                module.call_command(
                    "flush",
                    verbosity=0,
                    interactive=False,
                    database=alias,
                    reset_sequences=False,
                    allow_cascade=False,
                    inhibit_post_migrate=self._flushes.pop(alias),
                )
            self._is_flushing = False
            if not was_open:
                connection.close()

    def check_servers(self, report: str) -> None:
        """Check whether a test has failed because its server is gone.

        The parent then reports why the server ended, and another worker runs the rest.

        Raises:
            DatabaseLost: The server is gone.
        """
        if aliases := connections.unreachable(self._leases):
            names = ", ".join(map(repr, aliases))
            raise DatabaseLost(f"The server of {names} is gone. The test reported:\n{report}")
        if any(connections.was_closed(lease.alias) for lease in self._leases):
            answer = self._channel.ask(VerdictRequest(), self.use)
            if isinstance(answer, ServerVerdict) and answer.lost:
                raise DatabaseLost(f"The test reported:\n{report}")

    @property
    def leases(self) -> Sequence[Lease]:
        """The databases that have been lent."""
        return self._leases

    def tidy_after_timeout(self, report: str) -> None:
        """End all sessions on this worker's servers except those of its own connections.

        Threads of a test that timed out may still wait there and hold locks. A connection that
        was interrupted during a query cannot be used by the tests that follow.

        Raises:
            DatabaseLost: A connection was interrupted during a query.
        """
        own: dict[Address, set[int]] = {}
        for lease in self._leases:
            if lease.address is None:
                continue
            backend, connection = BACKENDS[lease.vendor], connections.raw(lease.alias)
            sessions = own.setdefault(lease.address, set())
            if connection is None:
                continue
            if backend.is_mid_query(connection):
                raise DatabaseLost(f"It was interrupted during a query.\n{report}")
            if (session := backend.session_of(connection)) is not None:
                sessions.add(session)
        vendors = {lease.address: lease.vendor for lease in self._leases}
        for address, sessions in own.items():
            end_sessions(vendors[address], address, keep=sessions)
