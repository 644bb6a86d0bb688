"""How many workers a machine carries."""

from ctest_containers.capacity.plan import Plan, plan_workers

__all__ = ["Plan", "plan_workers"]
