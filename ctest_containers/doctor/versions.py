"""Whether the versions of Python and Django are supported."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from typing import Final

from ctest_containers.doctor.finding import Area, Finding, error, note, ok

OLDEST_DJANGO: Final = (4, 2)
NEWEST_DJANGO: Final = (6, 0)
NEWEST_PYTHON: Final = (3, 13)
"""The newest tested versions; newer ones may work."""


def check_versions() -> Iterator[Finding]:
    """Compare the versions of Python and Django with those that are tested."""
    import django

    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    if django.VERSION[:2] < OLDEST_DJANGO:
        yield error(
            Area.PROJECT,
            f"{versions}: Django 4.2 is the oldest supported version.",
            'Run `pip install "Django>=4.2"`.',
        )
    elif django.VERSION[:2] > NEWEST_DJANGO or sys.version_info[:2] > NEWEST_PYTHON:
        yield note(
            Area.PROJECT,
            f"{versions}: newer than what is tested (Python 3.13, Django 6.0).",
        )
    else:
        yield ok(Area.PROJECT, f"{versions}.")
