"""The container engine: the only part that talks to Docker."""

from ctest_containers.engine.api import (
    Container,
    ContainerEngine,
    Containers,
    ContainerSpec,
    EngineHost,
    Images,
)

__all__ = ["Container", "ContainerEngine", "ContainerSpec", "Containers", "EngineHost", "Images"]
