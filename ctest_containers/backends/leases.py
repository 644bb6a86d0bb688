"""Leases the databases of a server to their aliases."""

from __future__ import annotations

from collections.abc import Sequence

from ctest_containers.backends import BACKENDS
from ctest_containers.model import Address, DatabaseGroup, Lease


def server_leases(group: DatabaseGroup, address: Address, *, without: str = "") -> Sequence[Lease]:
    """Return what each alias of a group needs to use its database on this server.

    Args:
        without: A setting to leave as the project configures it.
    """
    backend = BACKENDS[group.vendor]
    leases = []
    for alias in group.aliases:
        host, port = backend.host_and_port(address)
        settings = {
            "NAME": next(plan.name for plan in group.databases if alias in plan.aliases),
            "USER": group.users[alias],
            "PASSWORD": str(address.password),
            "HOST": host,
            "PORT": port,
        }
        settings.pop(without, None)
        leases.append(
            Lease(
                alias=alias,
                settings=settings,
                dropped_options=backend.transport_options(),
                vendor=group.vendor,
                address=address,
            )
        )
    return leases
