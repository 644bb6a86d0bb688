"""Puts a run together and owns its state: templates, servers, workers, and their end."""

from ctest_containers.session.run import Session

__all__ = ["Session"]
