"""The databases that the parent process itself uses, should it ask for any."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ctest_containers.model import Lease
from ctest_containers.project import connections, guard
from ctest_containers.session.servers import WorkerServers

PARENT: Final = 0
"""The parent's number; those of workers begin with 1."""


class ParentDatabases:
    """Points the parent's own connections at databases of its own, and back.

    Args:
        prepare: Makes sure that the templates for aliases exist.
        preparing: The aliases whose templates are being built at the moment.
        facts: What each alias's connection remembers about its server.
    """

    def __init__(
        self,
        servers: WorkerServers,
        *,
        prepare: Callable[[Collection[str]], None],
        preparing: Collection[str],
        facts: Callable[[], Mapping[str, Mapping[str, str]]],
    ) -> None:
        self._servers = servers
        self._prepare = prepare
        self._preparing = preparing
        self._facts = facts
        self._settings: dict[str, dict[str, Any]] = {}

    def __contains__(self, alias: object) -> bool:
        """Whether an alias leads to a database of the parent's."""
        return alias in self._settings

    def lend(self, aliases: Iterable[str]) -> None:
        """Point aliases at databases of the parent's, those that do not lead to one yet.

        Raises:
            CtestError: A server for them does not start.
        """
        missing = [alias for alias in aliases if alias not in self]
        if missing:
            self._prepare(missing)
            self.use(self._servers.await_leases(PARENT, missing))

    def lend_if_needed(self, alias: str) -> None:
        """Do the same for an alias that the parent is about to connect to."""
        if alias in self._preparing:
            # A module of migrations asks for it, which is imported to find out what they are.
            guard.refuse(alias)
        self.lend([alias])

    def use(self, leases: Iterable[Lease]) -> None:
        """Point aliases at these databases, those that do not lead to one yet."""
        for lease in leases:
            if lease.alias not in self:
                self._settings[lease.alias] = connections.settings_of(lease.alias)
                connections.redirect(lease)
                connections.remember(lease.alias, self._facts().get(lease.alias, {}))

    def disconnect_and_lend(self, aliases: Collection[str]) -> Sequence[Lease]:
        """The databases that the migrations of another server may read, in a forked child."""
        self._prepare(aliases)
        # A connection that is open while a child is forked is the child's to spoil, too.
        connections.disconnect(self._settings)
        return self._servers.await_leases(PARENT, aliases)

    def finish(self) -> None:
        """Give the databases back; none may be in use when workers are forked."""
        self.restore()
        self._servers.discard(PARENT)
        self._settings.clear()

    def restore(self) -> None:
        """Point the aliases at the databases of the project's settings again."""
        connections.restore(self._settings)
