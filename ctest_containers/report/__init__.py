"""Reports: each listens to the events of a run and to nothing else."""

from ctest_containers.report.api import Report

__all__ = ["Report"]
