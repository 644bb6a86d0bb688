"""Runs a Django project's tests in parallel, each worker against its own database container."""

from typing import TYPE_CHECKING, Any

from ctest_containers.limits import timeout
from ctest_containers.version import __version__

if TYPE_CHECKING:
    from ctest_containers.isolated import Template

__all__ = ["Template", "__version__", "timeout"]


def __getattr__(name: str) -> Any:
    """`Template` is imported when it is first asked for: test modules only want `timeout`."""
    if name != "Template":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from ctest_containers.isolated import Template

    return Template
