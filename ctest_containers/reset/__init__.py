"""Brings databases back to where Django's flush brings them after a TransactionTestCase, sooner.

Whatever is not certain to end alike is left to Django itself.
"""

from __future__ import annotations

from ctest_containers.reset.flush import COMPARE, Flushes

__all__ = ["COMPARE", "Flushes"]
