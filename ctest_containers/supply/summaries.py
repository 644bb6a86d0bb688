"""Summarizes the databases that tests start from, so that runs can be compared."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from ctest_containers.backends import sqlite
from ctest_containers.backends.rows import DatabaseLocation
from ctest_containers.backends.summarizing import summary_of
from ctest_containers.model import SQLITE, Lease
from ctest_containers.template.summaries import keep_summaries, period_of, read_summaries

if TYPE_CHECKING:
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate
    from ctest_containers.template.stored import StoredTemplate

FIRST_WORKER: Final = 1
"""The worker whose servers are read before it uses them."""


def summaries_of(supply: Supply, needs: Collection[str]) -> dict[str, Any]:
    """Return summaries of the prepared databases, as JSON data, by the aliases that use them.

    Call it between `Supply.prepare` and `Supply.start`. A template that was summarized before is
    not read again. An alias is left out if its template has been withdrawn meanwhile.

    Args:
        needs: Aliases of the databases.

    Raises:
        ServerError: A server does not start, or reports an error.
    """
    summaries: dict[str, Any] = {}
    cache = supply.databases.repository.folder
    for template in supply.databases.templates():
        if set(template.group.aliases).isdisjoint(needs):
            continue
        stored = supply.databases.repository.find(template)
        if stored is None:
            continue
        databases = read_summaries(cache, stored)
        if databases is None:
            databases = _summarize(supply, template, stored)
            keep_summaries(cache, stored, databases)
        for plan in template.group.databases:
            if plan.aliases[0] in databases:
                summaries |= dict.fromkeys(plan.aliases, databases[plan.aliases[0]])
    return summaries


def _summarize(supply: Supply, template: ProjectTemplate, stored: StoredTemplate) -> dict[str, Any]:
    """Return the summary of each database of a template, by its first alias."""
    period, stamp = period_of(template, stored), f"{stored.fingerprint} {stored.created}"
    settings = {f"server setting {name}": value for name, value in template.group.settings}
    summaries = {}
    for alias, location in _locations(supply, template).items():
        summary = summary_of(location, period, stamp=stamp)
        summary = replace(summary, others={**summary.others, **settings})
        summaries[alias] = summary.to_json()
    return summaries


def _locations(supply: Supply, template: ProjectTemplate) -> dict[str, DatabaseLocation]:
    """Return where a copy of each database of a template is, by its first alias."""
    firsts = [plan.aliases[0] for plan in template.group.databases]
    if not template.group.has_server:
        folder = supply.databases.repository.files(template)
        return {
            alias: DatabaseLocation(vendor=SQLITE, name=str(sqlite.file_of(folder, alias)))
            for alias in firsts
        }
    return {
        lease.alias: DatabaseLocation(
            vendor=lease.vendor, name=str(lease.settings["NAME"]), address=lease.address
        )
        for lease in supply.await_leases(FIRST_WORKER, firsts)
        if isinstance(lease, Lease) and lease.alias in firsts
    }
