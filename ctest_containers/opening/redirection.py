"""Leads a Django project that another command loads to the databases of an opened failure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from ctest_containers.backends import VENDORS
from ctest_containers.model import Lease

SETTINGS_VARIABLE: Final = "CTEST_OPEN_SETTINGS"
"""The environment variable with the name of the project's settings module."""

DATABASES_VARIABLE: Final = "CTEST_OPEN_DATABASES"
"""The environment variable with the databases, as JSON."""

UNUSABLE: Final = "django.db.backends.dummy"
"""The engine that Django uses if no database is configured."""

MODULE: Final = "ctest_containers.opening.settings"


def variables(settings: str, leases: Mapping[str, Lease]) -> dict[str, str]:
    """Return the variables that lead Django to the leased databases.

    Args:
        settings: The name of the project's settings module.
    """
    databases = {
        alias: {
            "vendor": lease.vendor,
            "settings": dict(lease.settings),
            "dropped_options": lease.dropped_options,
        }
        for alias, lease in leases.items()
    }
    return {
        "DJANGO_SETTINGS_MODULE": MODULE,
        SETTINGS_VARIABLE: settings,
        DATABASES_VARIABLE: json.dumps(databases),
    }


def redirected(
    configured: Mapping[str, Mapping[str, Any]], databases: Mapping[str, Mapping[str, Any]]
) -> dict[str, dict[str, Any]]:
    """Return the setting DATABASES with these databases in place of those that are configured.

    An alias whose database is not kept cannot be used, so that nothing changes the configured one.

    Args:
        databases: What `variables` has written, by alias.

    Raises:
        ImproperlyConfigured: An alias now has another vendor's engine.
    """
    result: dict[str, dict[str, Any]] = {}
    for alias, settings in configured.items():
        if alias not in databases:
            result[alias] = {"ENGINE": UNUSABLE}
            continue
        _check_vendor(alias, str(settings.get("ENGINE", "")), databases[alias]["vendor"])
        own, dropped = databases[alias]["settings"], databases[alias]["dropped_options"]
        options = settings.get("OPTIONS") or {}
        result[alias] = {
            **settings,
            **own,
            "OPTIONS": {name: value for name, value in options.items() if name not in dropped},
            "TEST": {**(settings.get("TEST") or {}), "NAME": own["NAME"]},
        }
    return result


def _check_vendor(alias: str, engine: str, vendor: str) -> None:
    """Refuse settings that cannot use a database of this vendor; unknown engines may.

    Raises:
        ImproperlyConfigured: The engine is that of another vendor.
    """
    vendors = {name: support.vendor for support in VENDORS.values() for name in support.engines}
    if vendors.get(engine, vendor) != vendor:
        raise ImproperlyConfigured(
            f"The failed test's database {alias!r} is one of {vendor}, but the settings now have "
            f"the engine {engine!r} for it. Choose the settings that the run had."
        )
