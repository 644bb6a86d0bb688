"""How long tests took in past runs, and so how long they are expected to take."""

from ctest_containers.timings.model import Measured, Timing, Timings
from ctest_containers.timings.store import TimingsFile

__all__ = ["Measured", "Timing", "Timings", "TimingsFile"]
