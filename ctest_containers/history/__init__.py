"""What happened in past runs: the event logs that they have left."""

from ctest_containers.history.lines import Entry
from ctest_containers.history.store import History

__all__ = ["Entry", "History"]
