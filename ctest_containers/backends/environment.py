"""Keeps variables of the environment from leading connections elsewhere."""

from __future__ import annotations

import os

from ctest_containers.backends import BACKENDS


def set_aside_variables() -> dict[str, str]:
    """Take away what clients would obey in place of the address that they are given.

    That goes for this process, and for those that it starts from now on.

    Returns:
        What was taken away, so that it can be put back.
    """
    names = [name for one in BACKENDS.values() for name in one.overriding_variables]
    return {name: os.environ.pop(name) for name in names if name in os.environ}
