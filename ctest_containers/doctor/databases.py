"""What the setting DATABASES has that cannot be isolated, or is replaced for tests."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.backends import VENDORS
from ctest_containers.backends.sqlite import in_memory
from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, note


def check_databases(context: DoctorContext) -> Iterator[Finding]:
    """Look for vendors without a backend, and for what the toolkit sets aside."""
    if context.project is None:
        return
    from django.db import connections

    project = context.project
    supported = ", ".join(VENDORS)
    for alias, vendor in project.plans.unsupported.items():
        what = f"The database {alias!r} is of the vendor {vendor!r}, which has no backend here"
        if alias in project.aliases:
            yield error(
                Area.DATABASES,
                f"{what} (there are: {supported}), and tests use it.",
                "Leave those tests out, `--exclude-tag TAG`, and run them with manage.py test.",
            )
        else:
            yield note(Area.DATABASES, f"{what}; no selected test uses it.")
    for group in project.groups:
        for database in group.databases:
            for alias in database.aliases:
                yield from _set_aside(alias, connections.settings[alias])
            if not group.has_server and not in_memory(database.name):
                yield note(
                    Area.DATABASES,
                    f"The test database of {database.aliases[0]!r} has a fixed file in the "
                    "settings; each worker has a file of its own in place of it.",
                )


def _set_aside(alias: str, entry: dict[str, object]) -> Iterator[Finding]:
    options = entry.get("OPTIONS")
    if isinstance(options, dict) and options.get("pool"):
        yield note(
            Area.DATABASES,
            f"{alias!r} has a pool of connections (OPTIONS['pool']); tests connect without it.",
        )
    if entry.get("CONN_MAX_AGE") != 0:
        yield note(
            Area.DATABASES,
            f"{alias!r} keeps connections (CONN_MAX_AGE); servers are ended with them, so that "
            "does no harm.",
        )
