"""Runs a Django project's tests in parallel, each worker against its own database container."""

from ctest_containers.limits import timeout

__version__ = "0.1.0"

__all__ = ["__version__", "timeout"]
