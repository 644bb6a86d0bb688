"""Tells which of a project's drivers are known not to suit the server that they are used with."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.backends import BACKENDS
from ctest_containers.events import DriverUnfit
from ctest_containers.model import DatabaseGroup


def unfit_drivers(group: DatabaseGroup, version: str) -> Iterator[DriverUnfit]:
    """What is known to go wrong between a group's aliases and a server of this version."""
    from django.db import connections

    for alias in group.aliases:
        if reason := BACKENDS[group.vendor].driver_trouble(type(connections[alias]), version):
            yield DriverUnfit(alias=alias, reason=reason)
