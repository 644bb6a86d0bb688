"""Decides how many workers a machine has memory for."""

from ctest_containers.capacity.plan import Plan, plan_workers

__all__ = ["Plan", "plan_workers"]
