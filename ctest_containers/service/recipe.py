"""What the slots of a service are made from today, as the loaded project says."""

from __future__ import annotations

from collections.abc import Collection

from ctest_containers.config import Config
from ctest_containers.service.state import Recipe, Source
from ctest_containers.session.databases import RunDatabases
from ctest_containers.template import Template


def recipe_of(databases: RunDatabases, config: Config, aliases: Collection[str]) -> Recipe:
    """Make sure of the templates for some aliases, and tell how slots are made from them.

    Raises:
        CtestError: A template cannot be had.
    """
    databases.prepare(aliases)
    templates = [
        template
        for template in databases.templates()
        if not set(aliases).isdisjoint(template.group.aliases)
    ]
    return Recipe(
        sources=tuple(_source(databases, template) for template in templates),
        aliases=tuple(
            alias for template in templates for alias in template.group.aliases if alias in aliases
        ),
        transport=config.transport,
        server_memory_bytes=config.server_memory,
        server_timeout_seconds=config.server_timeout,
    )


def _source(databases: RunDatabases, template: Template) -> Source:
    group, fingerprint = template.group, template.fingerprint
    if template.base is None:
        files = str(databases.repository.files(template))
        return Source(group=group, fingerprint=fingerprint, files=files)
    return Source(
        group=group,
        fingerprint=fingerprint,
        image=template.image,
        own_image=bool(template.base.context),
    )
