"""A command's Django is led to the databases of a failure, whatever its settings read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from ctest_containers.model import Lease, Vendor
from ctest_containers.opening.redirection import DATABASES_VARIABLE, redirected, variables

CONFIGURED: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "HOST": "db.example.com",
        "OPTIONS": {"sslmode": "require", "isolation_level": 3},
        "TEST": {"CHARSET": "UTF8"},
    },
    "other": {"ENGINE": "django.db.backends.sqlite3", "NAME": "other.sqlite3"},
}

LEASE = Lease(
    alias="default",
    settings={"NAME": "test_shop", "HOST": "/run", "PASSWORD": "secret"},
    dropped_options=("sslmode",),
    vendor=Vendor("postgresql"),
)


def _redirected(*leases: Lease) -> dict[str, dict[str, Any]]:
    text = variables("shop.settings", {lease.alias: lease for lease in leases})[DATABASES_VARIABLE]
    return redirected(CONFIGURED, json.loads(text))


def test_a_leased_database_replaces_the_configured_one_and_its_test_database() -> None:
    assert _redirected(LEASE)["default"] == {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "test_shop",
        "HOST": "/run",
        "PASSWORD": "secret",
        "OPTIONS": {"isolation_level": 3},
        "TEST": {"CHARSET": "UTF8", "NAME": "test_shop"},
    }


def test_aliases_without_a_database_cannot_be_used_and_unknown_ones_are_left_out() -> None:
    unknown = Lease(alias="gone", settings={"NAME": "x"})

    databases = _redirected(LEASE, unknown)

    assert databases["other"] == {"ENGINE": "django.db.backends.dummy"}
    assert databases.keys() == CONFIGURED.keys()


def test_the_settings_themselves_do_not_change() -> None:
    _redirected(LEASE)

    assert CONFIGURED["default"]["HOST"] == "db.example.com"
    assert CONFIGURED["default"]["TEST"] == {"CHARSET": "UTF8"}


def test_settings_of_another_vendor_are_refused_by_name() -> None:
    with pytest.raises(ImproperlyConfigured, match="'default' is one of mysql, but the settings"):
        _redirected(replace(LEASE, vendor=Vendor("mysql")))
