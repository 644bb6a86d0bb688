"""Keeps the durations of tests in past runs, to predict those of the next."""

from ctest_containers.timings.model import Measured, Timing, Timings
from ctest_containers.timings.store import TimingsFile

__all__ = ["Measured", "Timing", "Timings", "TimingsFile"]
