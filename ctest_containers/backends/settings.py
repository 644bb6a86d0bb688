"""Checks server settings, and finds the toolkit's settings that errors name."""

from __future__ import annotations

import re

from ctest_containers.backends import BACKENDS
from ctest_containers.errors import UsageError
from ctest_containers.model import DatabaseGroup


def check_settings(group: DatabaseGroup) -> None:
    """Refuse settings of a group's server that the toolkit controls.

    Raises:
        UsageError: There is such a setting.
    """
    for name, _ in group.settings:
        if _plain(name) in BACKENDS[group.vendor].reserved_settings:
            raise UsageError(
                f"--server-settings must not contain {name}: the toolkit controls how a server "
                "starts, how it is reached and where its data is.",
                "Remove it.",
            )


def setting_in(group: DatabaseGroup, text: str) -> str:
    """Return the toolkit's setting that an error names, such as `wal_level=minimal`.

    Returns an empty string if it names none, or only settings that the user has set.
    """
    decided = {_plain(name) for name, _ in group.settings}
    words = {_plain(word.strip("-")) for word in re.findall(r"[\w-]+", text)}
    for name, value in BACKENDS[group.vendor].own_settings.items():
        if _plain(name) in words - decided:
            return f"{name.removeprefix('loose_')}={value}"
    return ""


def _plain(name: str) -> str:
    """Return a name in lower case, with underscores, without the prefixes `loose_` and `skip_`."""
    return re.sub(r"^(loose_|skip_(?!networking|grant))", "", name.lower().replace("-", "_"))
