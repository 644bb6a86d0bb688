"""The container engine: the only part that talks to Docker."""

from ctest_containers.engine.api import ContainerEngine, Containers, EngineHost, Images
from ctest_containers.engine.values import Container, ContainerSpec

__all__ = ["Container", "ContainerEngine", "ContainerSpec", "Containers", "EngineHost", "Images"]
