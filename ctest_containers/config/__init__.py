"""What a user can choose: one table, one precedence."""

from ctest_containers.config.model import Config, failures_to_keep, limits_of
from ctest_containers.config.resolve import project_meant, resolve

__all__ = ["Config", "failures_to_keep", "limits_of", "project_meant", "resolve"]
