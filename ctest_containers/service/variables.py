"""The environment variables by which programs of any language find a slot's databases.

`DATABASE_URL` is the address of the database `default`; that of another alias is in
`<ALIAS>_DATABASE_URL`. The variables of a vendor's own clients lead to `default`, or to the first
database of that vendor if `default` has another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from ctest_containers.backends import VENDORS
from ctest_containers.backends.clients import (
    client_variables,
    database_url,
    misleading_variables,
)
from ctest_containers.errors import UsageError
from ctest_containers.model import Lease
from ctest_containers.service.state import Slot

DEFAULT_ALIAS: Final = "default"


def variables(leases: Mapping[str, Lease]) -> dict[str, str]:
    """Return the variables for the databases of a slot, without those that would be empty.

    Raises:
        UsageError: Two aliases would have the same variable.
    """
    values: dict[str, str] = {}
    named: dict[str, str] = {}
    for alias, lease in leases.items():
        name = _url_variable(alias)
        if name in named:
            raise UsageError(
                f"The databases {named[name]!r} and {alias!r} would both use the variable {name}.",
                "Exclude one of them with --databases.",
            )
        named[name] = alias
        values[name] = database_url(lease)
    for vendor in VENDORS:
        own = {alias: lease for alias, lease in leases.items() if lease.vendor == vendor}
        if own:
            values |= client_variables(own.get(DEFAULT_ALIAS) or next(iter(own.values())))
    return {name: value for name, value in values.items() if value}


def of_service(service: str, slots: Iterable[Slot]) -> dict[str, str]:
    """Return the variables for a service: its name, and its first slot's number and variables.

    With several slots, also each slot's variables, as `CTEST_<number>_…`.
    """
    several = list(slots)
    values = {"CTEST_SERVICE": service}
    for slot in several[:1]:
        values |= {"CTEST_SLOT": str(slot.number), **variables(slot.leases())}
    if len(several) > 1:
        for slot in several:
            own = variables(slot.leases())
            values |= {f"CTEST_{slot.number}_{name}": value for name, value in own.items()}
    return values


def environment(before: Mapping[str, str], leases: Mapping[str, Lease]) -> dict[str, str]:
    """Return an environment that leads clients to these databases and no others."""
    misleading = {name for lease in leases.values() for name in misleading_variables(lease.vendor)}
    harmless = {
        name: value
        for name, value in before.items()
        # Those of aliases without a lease would lead to the configured databases.
        if name not in misleading and not re.fullmatch(r"(\w+_)?DATABASE_URL", name)
    }
    return {**harmless, **variables(leases)}


def _url_variable(alias: str) -> str:
    if alias == DEFAULT_ALIAS:
        return "DATABASE_URL"
    word = re.sub(r"[^A-Z0-9]", "_", alias.upper())
    return f"{'_' if word[:1].isdigit() else ''}{word}_DATABASE_URL"
