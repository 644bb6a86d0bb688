"""Settings of servers: which the user may decide, and which of the toolkit's an error names."""

from __future__ import annotations

import re

from ctest_containers.backends import BACKENDS
from ctest_containers.errors import UsageError
from ctest_containers.model import DatabaseGroup


def check_settings(group: DatabaseGroup) -> None:
    """Refuse settings of a group's server that the toolkit has to decide.

    Raises:
        UsageError: There is such a setting.
    """
    backend = BACKENDS[group.vendor]
    for name, _ in group.settings:
        if _plain(name) in backend.reserved_settings:
            raise UsageError(
                f"--server-settings cannot have {name}: the toolkit decides how a server is "
                "reached, and where its data is.",
                "Leave it out.",
            )


def setting_in(group: DatabaseGroup, text: str) -> str:
    """The setting of the toolkit's servers that an error names: `wal_level=minimal`.

    An empty string where it names none, or one that the user has decided.
    """
    decided = {_plain(name) for name, _ in group.settings}
    words = {_plain(word.strip("-")) for word in re.findall(r"[\w-]+", text)}
    for name, value in BACKENDS[group.vendor].settings.items():
        if _plain(name) in words - decided:
            return f"{name.removeprefix('loose_')}={value}"
    return ""


def _plain(name: str) -> str:
    """A name as it is in lists of them, however it was written."""
    return re.sub(r"^(loose_|skip_(?!networking|grant))", "", name.lower().replace("-", "_"))
