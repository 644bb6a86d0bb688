"""Hands the databases of a server out to the aliases that live there."""

from __future__ import annotations

from collections.abc import Sequence

from ctest_containers.backends import BACKENDS
from ctest_containers.model import Address, DatabaseGroup, Lease


def server_leases(group: DatabaseGroup, address: Address, *, without: str = "") -> Sequence[Lease]:
    """What each alias of a group needs to use the databases on this server.

    Args:
        without: A setting that is left as the project has it.
    """
    backend = BACKENDS[group.vendor]
    leases = []
    for alias in group.aliases:
        settings = dict(backend.lease_settings(address, group, alias))
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
