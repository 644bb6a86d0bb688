"""The databases that the parent process itself uses, if any."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from ctest_containers.model import AnyLease, Lease, ServiceLease
from ctest_containers.project import connections, guard, service_settings

PARENT: Final = 0
"""The parent's number; those of workers begin with 1."""


class ParentLeases:
    """Redirects the parent's connections to databases of its own, and restores them.

    Args:
        acquire: Prepares and starts what some names need, and returns the parent's leases.
        preparing: The aliases whose templates are being prepared.
        facts: What each alias's connection remembers about its server.
    """

    def __init__(
        self,
        *,
        acquire: Callable[[Collection[str]], Sequence[AnyLease]],
        preparing: Collection[str],
        facts: Callable[[], Mapping[str, Mapping[str, str]]],
    ) -> None:
        self._acquire = acquire
        self._preparing = preparing
        self._facts = facts
        self._settings: dict[str, dict[str, Any]] = {}
        self._leases: dict[str, Lease] = {}

    def __contains__(self, alias: object) -> bool:
        """Return whether an alias is redirected."""
        return alias in self._settings

    @property
    def leases(self) -> Collection[Lease]:
        """The databases that the parent uses."""
        return self._leases.values()

    def lend(self, aliases: Iterable[str]) -> None:
        """Redirect aliases to databases of the parent, unless they are redirected already.

        Raises:
            CtestError: A server does not start.
        """
        missing = [alias for alias in aliases if alias not in self]
        if missing:
            self.use(self._acquire(missing))

    def lend_if_needed(self, alias: str) -> None:
        """Redirect an alias that the parent is about to connect to."""
        if alias in self._preparing:
            # Importing migrations, to find out which there are, has caused the connection.
            guard.refuse(alias)
        self.lend([alias])

    def use(self, leases: Iterable[AnyLease]) -> None:
        """Use these databases and services, except for aliases that are redirected already."""
        for lease in leases:
            if isinstance(lease, ServiceLease):
                service_settings.apply(lease)
            elif lease.alias not in self:
                self._settings[lease.alias] = connections.settings_of(lease.alias)
                self._leases[lease.alias] = lease
                connections.redirect(lease)
                connections.remember(lease.alias, self._facts().get(lease.alias, {}))

    def disconnect_and_lend(self, aliases: Collection[str]) -> list[Lease]:
        """Return the databases that a forked child's migrations may read."""
        leases = self._acquire(aliases)
        # A forked child could break connections that are open.
        connections.disconnect(self._settings)
        return [lease for lease in leases if isinstance(lease, Lease)]

    def restore(self) -> None:
        """Point the aliases at the databases of the project's settings again."""
        connections.restore(self._settings)

    def forget(self) -> None:
        """Restore the aliases, and use new databases the next time."""
        self.restore()
        self._settings.clear()
        self._leases.clear()
