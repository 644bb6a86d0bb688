"""Removes the containers and half-made images of runs whose owner died without doing so."""

from __future__ import annotations

from contextlib import suppress

from ctest_containers.engine import labels
from ctest_containers.engine.api import ContainerEngine, Containers
from ctest_containers.engine.values import Container
from ctest_containers.errors import EngineError


def dead_containers(engine: Containers, project: str | None) -> list[Container]:
    """The containers whose owner has ended, a process of this machine or of one of its containers.

    They do not include containers of living runs, of other machines and of other programs, nor
    those that a service keeps.

    Args:
        project: The project whose containers to list; None for every project.
    """
    return [
        container
        for container, container_labels in engine.labelled(labels.OWNER)
        if project in (None, container_labels.get(labels.PROJECT))
        and owner_is_dead(
            engine, container_labels[labels.OWNER], service=container_labels.get(labels.SERVICE, "")
        )
        and not labels.is_kept(container_labels.get(labels.SERVICE, ""), container.name)
    ]


def owner_is_dead(engine: Containers, value: str, *, service: str = "") -> bool:
    """Whether an owner has ended, or its container, which only the engine knows.

    Args:
        service: The file of the service that its containers are for; empty for none. That file may
            be in a container, so whether it keeps them is unknown here.
    """
    if labels.owner_is_dead(value):
        return True
    inside = labels.container_of(value)
    if inside is None or service:
        return False
    container, started = inside
    return engine.running_since(container) != started


def half_made_images(engine: ContainerEngine, project: str | None) -> list[str]:
    """The ids of images whose builder died before giving them the name of a template."""
    return [
        image_id
        for image_id, image_labels in engine.nameless_images(labels.BUILDER)
        if project in {None, image_labels.get(labels.PROJECT)}
        and owner_is_dead(engine, image_labels[labels.BUILDER])
    ]


def reap(engine: ContainerEngine, project: str | None = None) -> list[Container]:
    """Remove these containers and images, and return the containers that were removed."""
    removed = []
    for container in dead_containers(engine, project):
        with suppress(EngineError):
            engine.remove(container)
            removed.append(container)
    for image_id in half_made_images(engine, project):
        with suppress(EngineError):
            engine.remove_image(image_id)
    return removed
