"""Reads and writes the event logs of runs."""

from ctest_containers.history.lines import Entry
from ctest_containers.history.store import History

__all__ = ["Entry", "History"]
