"""Builds or gets the templates that a run of the loaded project would use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing

from ctest_containers.config import Config
from ctest_containers.events import Event
from ctest_containers.isolated import known_aliases, supply_of
from ctest_containers.opening.origins import BuiltTemplate
from ctest_containers.project import connections
from ctest_containers.supply.snapshot import snapshot_of


def build_templates(
    config: Config, report: Callable[[Event], None], aliases: Sequence[str]
) -> dict[str, BuiltTemplate]:
    """Build or get the templates of some aliases, and return them by their groups.

    Raises:
        CtestError: The project does not have these aliases, or a template cannot be built.
    """
    names = known_aliases(aliases)
    with closing(supply_of(config, report)) as supply:
        with connections.set_aside():
            supply.prepare(names)
        databases = supply.databases
        snapshots = [
            snapshot_of(template, databases.repository) for template in databases.templates()
        ]
    return {
        snapshot.label: BuiltTemplate(
            snapshot.fingerprint,
            snapshot.key,
            snapshot.image or snapshot.files,
            snapshot.own_image,
        )
        for snapshot in snapshots
    }
