"""Keeps environment variables from leading connections elsewhere."""

from __future__ import annotations

import os

from ctest_containers.backends import BACKENDS


def set_aside_variables() -> dict[str, str]:
    """Remove environment variables that override the address that clients are passed.

    This affects this process, and those that it starts from now on.

    Returns:
        The removed variables, so that they can be restored.
    """
    names = [name for backend in BACKENDS.values() for name in backend.overriding_variables]
    return {name: os.environ.pop(name) for name in names if name in os.environ}
