"""Reads from the settings which test databases there are to be, and which share a server."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from ctest_containers.errors import UnsupportedVendorError
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor


def plan_groups(used: Collection[str] | None = None) -> tuple[DatabaseGroup, ...]:
    """The databases that Django would create for all aliases, grouped by server.

    A group keeps all its databases even when only one of them is used, so that one template
    serves every selection of tests. An alias that mirrors another lives in that one's database.

    Args:
        used: Aliases that selected tests declare; only their groups are given. None means all.

    Raises:
        UnsupportedVendorError: A used alias is of a vendor that has no backend.
    """
    from django.db import connections
    from django.test.utils import get_unique_databases_and_mirrors

    databases, mirrors = get_unique_databases_and_mirrors()
    by_vendor: dict[str, list[DatabasePlan]] = {}
    for _, aliases in databases.values():
        first: Any = connections[aliases[0]]
        mirroring = [alias for alias, target in mirrors.items() if target in aliases]
        plan = DatabasePlan(
            name=str(first.creation._get_test_db_name()),
            aliases=(*aliases, *mirroring),
            user=str(first.settings_dict["USER"] or ""),
        )
        by_vendor.setdefault(first.vendor, []).append(plan)

    supported = {vendor.value for vendor in Vendor}
    groups = []
    for name, plans in by_vendor.items():
        if name in supported:
            groups += group_by_name(Vendor(name), plans)
        else:
            _refuse(name, plans, used)
    return tuple(
        group for group in groups if used is None or not set(group.aliases).isdisjoint(used)
    )


def group_by_name(vendor: Vendor, plans: Iterable[DatabasePlan]) -> list[DatabaseGroup]:
    """Put databases together on as few servers as possible; no server has a name twice."""
    servers: list[list[DatabasePlan]] = []
    for plan in plans:
        for server in servers:
            if all(other.name != plan.name for other in server):
                server.append(plan)
                break
        else:
            servers.append([plan])
    return [
        DatabaseGroup(vendor=vendor, number=number, databases=tuple(server))
        for number, server in enumerate(servers, start=1)
    ]


def without_users(group: DatabaseGroup) -> DatabaseGroup:
    """The group as it counts for a fingerprint: who connects does not shape a schema."""
    return replace(group, databases=tuple(replace(one, user="") for one in group.databases))


def _refuse(vendor: str, plans: list[DatabasePlan], used: Collection[str] | None) -> None:
    aliases = [alias for plan in plans for alias in plan.aliases]
    # Django calls the vendor of a project without databases "unknown"; nothing is needed for it.
    if vendor != "unknown" and used is not None and not set(aliases).isdisjoint(used):
        names = ", ".join(one.value for one in Vendor)
        raise UnsupportedVendorError(
            f"The database {aliases[0]!r} is of the vendor {vendor!r}, which has no backend here.",
            f"Supported: {names}. Run tests that need it with manage.py test, or leave them out "
            "with --exclude-tag.",
        )
