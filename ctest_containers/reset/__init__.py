"""Resets databases after a TransactionTestCase to the state that Django's flush leaves, faster.

If the result is not certain to be the same, Django does it.
"""

from __future__ import annotations

from ctest_containers.reset.flush import COMPARE, Flushes

__all__ = ["COMPARE", "Flushes"]
