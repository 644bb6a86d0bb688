"""Describes, from the loaded project, how slots of a service are created."""

from __future__ import annotations

from collections.abc import Collection

from ctest_containers.config import Config
from ctest_containers.service.state import Recipe
from ctest_containers.supply.snapshot import snapshot_of
from ctest_containers.supply.supply import Supply


def recipe_of(supply: Supply, config: Config, aliases: Collection[str]) -> Recipe:
    """Ensure that the templates for some aliases exist, and return how to create slots.

    Raises:
        CtestError: A template cannot be built or obtained.
    """
    supply.prepare(aliases)
    templates = [
        template
        for template in supply.databases.templates()
        if not set(aliases).isdisjoint(template.group.aliases)
    ]
    return Recipe(
        sources=tuple(snapshot_of(template, supply.databases.repository) for template in templates),
        aliases=tuple(
            alias for template in templates for alias in template.group.aliases if alias in aliases
        ),
        transport=config.transport,
        server_memory_bytes=config.server_memory,
        server_timeout_seconds=config.server_timeout,
    )
