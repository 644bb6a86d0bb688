"""Removes the containers of runs whose owner died without doing so."""

from __future__ import annotations

from contextlib import suppress

from ctest_containers.engine import labels
from ctest_containers.engine.api import Container, ContainerEngine, Containers
from ctest_containers.errors import EngineError


def dead_containers(engine: Containers, project: str | None) -> list[Container]:
    """The containers whose owner was a process of this machine, or of a container, and has ended.

    Containers of living runs, of other machines and of other programs are not among them, nor are
    those that a service keeps.

    Args:
        project: Only containers of this project; None for those of every project.
    """
    return [
        container
        for container, found in engine.labelled(labels.OWNER)
        if project in (None, found.get(labels.PROJECT))
        and owner_is_dead(engine, found[labels.OWNER], service=found.get(labels.SERVICE, ""))
        and not labels.is_kept(found.get(labels.SERVICE, ""), container.name)
    ]


def owner_is_dead(engine: Containers, value: str, *, service: str = "") -> bool:
    """Whether an owner has ended, or the container that it was in, which only the engine can tell.

    Args:
        service: The file of the service that its containers are for; empty for none. That file may
            be in a container, where it cannot be seen from here that it keeps them.
    """
    if labels.owner_is_dead(value):
        return True
    inside = labels.container_of(value)
    if inside is None or service:
        return False
    container, started = inside
    return engine.running_since(container) != started


def half_made_images(engine: ContainerEngine, project: str | None) -> list[str]:
    """The ids of images that were to become templates, whose builder died before naming them."""
    return [
        image_id
        for image_id, found in engine.nameless_images(labels.BUILDER)
        if project in {None, found.get(labels.PROJECT)}
        and owner_is_dead(engine, found[labels.BUILDER])
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
