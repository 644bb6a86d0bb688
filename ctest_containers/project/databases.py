"""Reads from the settings which test databases exist, and which share a server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.errors import UnsupportedVendorError, UsageError
from ctest_containers.model import AUTO, SQLITE, DatabaseGroup, DatabasePlan, Vendor

ImageOf = Callable[[str, str], str]
"""Called with a vendor, by Django's name for it, and an alias."""

SettingsOf = Callable[[str], Iterable[tuple[str, str]]]
"""Called with a vendor, by Django's name for it."""


@dataclass(frozen=True, slots=True)
class DatabasePlans:
    """All test databases of a project, as its settings describe them.

    Attributes:
        groups: The databases of supported vendors, by server.
        unsupported: The vendor of each alias whose vendor is not supported.
    """

    groups: tuple[DatabaseGroup, ...]
    unsupported: Mapping[str, str]

    @property
    def has_servers(self) -> bool:
        """Whether any database lives on a server."""
        return any(group.has_server for group in self.groups)

    def dependencies(self, group: DatabaseGroup) -> list[str]:
        """The aliases on other servers that the group's DEPENDENCIES name.

        What Django assumes where the settings say nothing is not among them.
        """
        from django.db import connections

        named = [
            alias
            for own in group.aliases
            for alias in connections.settings[own]["TEST"].get("DEPENDENCIES", ())
        ]
        known = {alias for other in self.groups for alias in other.aliases}
        return sorted(known.intersection(named).difference(group.aliases))

    def check_images(self, aliases: Iterable[str]) -> None:
        """Refuse images for aliases that do not exist or have no server.

        Raises:
            UsageError: There is such an alias.
        """
        vendors = {alias: group.vendor for group in self.groups for alias in group.aliases}
        for alias in aliases:
            if alias not in vendors and alias not in self.unsupported:
                raise UsageError(
                    f"An image is set for the unknown database {alias!r}.",
                    f"The settings define {', '.join(map(repr, sorted(vendors)))}.",
                )
            if vendors.get(alias) == SQLITE:
                raise UsageError(
                    f"An image is set for the database {alias!r}, but SQLite needs none."
                )

    def select(self, used: Collection[str]) -> tuple[DatabaseGroup, ...]:
        """The groups that have these aliases.

        A group keeps all its databases even when only one of them is used, so that one template
        serves every selection of tests.

        Raises:
            UnsupportedVendorError: A used alias is of a vendor that has no backend.
        """
        for alias, vendor in self.unsupported.items():
            if alias in used:
                raise UnsupportedVendorError(
                    f"The database {alias!r} has the vendor {vendor!r}, which is not supported.",
                    f"Supported: {', '.join(VENDORS)}. Run tests that need it with manage.py "
                    "test, or exclude them with --exclude-tag.",
                )
        return tuple(group for group in self.groups if not set(group.aliases).isdisjoint(used))


def plan_databases(
    image_of: ImageOf = lambda _, __: "",
    settings_of: SettingsOf = lambda _: (),
    privileges: str = AUTO,
) -> DatabasePlans:
    """The databases that Django would create for all aliases.

    A mirror uses the database of the alias that it mirrors. Call this before any alias is
    redirected, while the settings are the project's.

    Args:
        image_of: Returns the image that the user wants for an alias of a vendor.
        settings_of: Returns the settings that the user wants for servers of a vendor.
        privileges: The privileges of the project's roles, if the vendor's backend knows any.
    """
    from django.db import connections
    from django.test.utils import get_unique_databases_and_mirrors

    databases, mirrors = get_unique_databases_and_mirrors()
    by_vendor: dict[str, list[DatabasePlan]] = {}
    for _, aliases in databases.values():
        first: Any = connections[aliases[0]]
        mirroring = [alias for alias, target in mirrors.items() if target in aliases]
        together = (*aliases, *mirroring)
        users = _users(first.vendor, together)
        plan = DatabasePlan(
            name=str(first.creation._get_test_db_name()),
            aliases=together,
            users=users,
            assumed=_assumed(together) if users else (),
            image=image_of(str(first.vendor), aliases[0]),
        )
        by_vendor.setdefault(first.vendor, []).append(plan)
    groups = [
        replace(
            group,
            settings=tuple(settings_of(vendor)),
            privileges=privileges if BACKENDS[group.vendor].has_owners else "",
        )
        if group.has_server
        else group
        for vendor, plans in by_vendor.items()
        if vendor in VENDORS
        for group in group_by_name(VENDORS[vendor].vendor, plans)
    ]
    # Django calls the vendor of a project without databases "unknown"; nothing is needed for it.
    unsupported = {
        alias: vendor
        for vendor, plans in by_vendor.items()
        if vendor not in {*VENDORS, "unknown"}
        for plan in plans
        for alias in plan.aliases
    }
    return DatabasePlans(tuple(groups), unsupported)


def _users(vendor: str, aliases: Iterable[str]) -> tuple[str, ...]:
    """The role that each alias connects as; none without a server."""
    from django.db import connections

    backend = BACKENDS.get(vendor)
    if backend is None:
        return ()
    return tuple(
        str(connections.settings[alias]["USER"] or backend.default_user()) for alias in aliases
    )


def _assumed(aliases: Iterable[str]) -> tuple[str, ...]:
    """The role that each alias assumes after it has connected; empty for none."""
    from django.db import connections

    options = (connections.settings[alias]["OPTIONS"] for alias in aliases)
    return tuple(str(option.get("assume_role") or "") for option in options)


def mirrors() -> frozenset[str]:
    """The aliases that mirror another one during tests."""
    from django.db import connections

    settings = connections.settings
    return frozenset(alias for alias in settings if settings[alias]["TEST"]["MIRROR"])


def first_aliases(groups: Iterable[DatabaseGroup]) -> dict[str, str]:
    """For each alias, the first alias of the same database."""
    return {
        alias: database.aliases[0]
        for group in groups
        for database in group.databases
        for alias in database.aliases
    }


def group_by_name(vendor: Vendor, plans: Iterable[DatabasePlan]) -> list[DatabaseGroup]:
    """Put databases on as few servers as possible, each with one image and distinct names."""
    servers: list[list[DatabasePlan]] = []
    for plan in plans:
        for server in servers:
            if all((other.name != plan.name and other.image == plan.image) for other in server):
                server.append(plan)
                break
        else:
            servers.append([plan])
    return [
        DatabaseGroup(vendor=vendor, number=number, databases=tuple(server))
        for number, server in enumerate(servers, start=1)
    ]
