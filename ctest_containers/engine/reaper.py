"""Removes the containers of runs whose owner died without doing so."""

from __future__ import annotations

from contextlib import suppress

from ctest_containers.engine import labels
from ctest_containers.engine.api import Container, ContainerEngine
from ctest_containers.errors import EngineError


def reap(engine: ContainerEngine) -> list[Container]:
    """Remove every container whose owner was a process of this machine and has ended.

    Containers of living runs, of other machines and of other programs stay.
    """
    removed = []
    for container, found in engine.labelled(labels.OWNER):
        if labels.owner_is_dead(found[labels.OWNER]):
            with suppress(EngineError):
                engine.remove(container)
                removed.append(container)
    return removed
