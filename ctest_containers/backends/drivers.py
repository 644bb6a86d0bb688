"""Finds drivers of a project that are known to be unsuitable for their server."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.backends import BACKENDS
from ctest_containers.events import DriverUnfit
from ctest_containers.model import DatabaseGroup


def unfit_drivers(group: DatabaseGroup, version: str) -> Iterator[DriverUnfit]:
    """Yield the known problems of the drivers of a group's aliases with this server version."""
    from django.db import connections

    for alias in group.aliases:
        if reason := BACKENDS[group.vendor].driver_trouble(type(connections[alias]), version):
            yield DriverUnfit(alias=alias, reason=reason)
