"""Contract tests have the Django of unit tests."""

from __future__ import annotations

from unit.conftest import configured_django

__all__ = ["configured_django"]
