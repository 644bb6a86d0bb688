"""Parts of the setting DATABASES that cannot be isolated, or are replaced for tests."""

from __future__ import annotations

from collections.abc import Iterator

from ctest_containers.backends import VENDORS
from ctest_containers.backends.sqlite import in_memory
from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, note


def check_databases(context: DoctorContext) -> Iterator[Finding]:
    """Check for vendors without a backend, and for options that the toolkit replaces."""
    if context.project is None:
        return
    from django.db import connections

    project = context.project
    supported = ", ".join(VENDORS)
    for alias, vendor in project.plans.unsupported.items():
        what = f"The database {alias!r} has the vendor {vendor!r}, which is not supported"
        if alias in project.aliases:
            yield error(
                Area.DATABASES,
                f"{what} (supported: {supported}), but tests use it.",
                "Exclude those tests with `--exclude-tag TAG`, and run them with manage.py test.",
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
                    "The settings name a fixed file for the test database of "
                    f"{database.aliases[0]!r}; each worker uses its own file instead.",
                )


def _set_aside(alias: str, entry: dict[str, object]) -> Iterator[Finding]:
    options = entry.get("OPTIONS")
    if isinstance(options, dict) and options.get("pool"):
        yield note(
            Area.DATABASES,
            f"{alias!r} uses a connection pool (OPTIONS['pool']); tests connect without it.",
        )
    if entry.get("CONN_MAX_AGE") != 0:
        yield note(
            Area.DATABASES,
            f"{alias!r} uses persistent connections (CONN_MAX_AGE). That does no harm: they end "
            "with their servers.",
        )
