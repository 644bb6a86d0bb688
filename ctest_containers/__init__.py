"""Runs a Django project's tests in parallel, each worker against its own database container."""

__version__ = "0.1.0"

__all__ = ["__version__"]
