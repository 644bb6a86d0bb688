"""Says what would keep a project's tests from running here, or from being isolated.

Each check looks at one thing and gives findings. Nothing is changed by it, no container is started,
and an engine that hangs holds it up for a few seconds only.
"""

from ctest_containers.doctor.finding import Finding, Severity

__all__ = ["Finding", "Severity"]
