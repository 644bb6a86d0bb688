"""Runs a Django project's tests in parallel, each worker against its own database container."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ctest_containers.limits import timeout
from ctest_containers.version import __version__

if TYPE_CHECKING:
    from ctest_containers.isolated import Template
    from ctest_containers.project.isolation import Worker

__all__ = ["Template", "Worker", "__version__", "timeout"]

_HOMES = {
    "Template": "ctest_containers.isolated",
    "Worker": "ctest_containers.project.isolation",
}


def __getattr__(name: str) -> Any:
    """Import the other names when they are first used: most test modules only use `timeout`."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
