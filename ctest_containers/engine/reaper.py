"""Removes the containers of runs whose owner died without doing so."""

from __future__ import annotations

from contextlib import suppress

from ctest_containers.engine import labels
from ctest_containers.engine.api import Container, ContainerEngine
from ctest_containers.errors import EngineError


def dead_containers(engine: ContainerEngine, project: str | None) -> list[Container]:
    """The containers whose owner was a process of this machine and has ended.

    Containers of living runs, of other machines and of other programs are not among them.

    Args:
        project: Only containers of this project; None for those of every project.
    """
    return [
        container
        for container, found in engine.labelled(labels.OWNER)
        if labels.owner_is_dead(found[labels.OWNER])
        and project in (None, found.get(labels.PROJECT))
    ]


def half_made_images(engine: ContainerEngine, project: str | None) -> list[str]:
    """The ids of images that were to become templates, whose builder died before naming them."""
    return [
        image_id
        for image_id, found in engine.nameless_images(labels.BUILDER)
        if labels.owner_is_dead(found[labels.BUILDER])
        and project in {None, found.get(labels.PROJECT)}
    ]


def reap(engine: ContainerEngine, project: str | None = None) -> list[Container]:
    """Remove every such container and image, and give the containers that were removed."""
    removed = []
    for container in dead_containers(engine, project):
        with suppress(EngineError):
            engine.remove(container)
            removed.append(container)
    for image_id in half_made_images(engine, project):
        with suppress(EngineError):
            engine.remove_image(image_id)
    return removed
