"""Describes databases to programs other than Django: by a URL, or by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.model import Lease


def database_url(lease: Lease) -> str:
    """Return the URL of a database, such as `postgresql://user@/name?host=/folder`."""
    clients = VENDORS[lease.vendor].clients
    settings = {name: str(value) for name, value in lease.settings.items()}
    if lease.address is None:
        return f"{clients.scheme}:///{quote(settings['NAME'])}"
    password = f":{quote(settings['PASSWORD'], safe='')}" if settings["PASSWORD"] else ""
    who, name = quote(settings["USER"], safe="") + password, quote(settings["NAME"], safe="")
    if lease.address.socket:
        folder, socket = map(quote_plus, (lease.address.host, lease.address.socket))
        fields = {"folder": folder, "port": lease.address.port, "socket": socket}
        return f"{clients.scheme}://{clients.socket_url.format(who=who, name=name, **fields)}"
    return f"{clients.scheme}://{who}@{lease.address.host}:{lease.address.port}/{name}"


def client_variables(lease: Lease) -> dict[str, str]:
    """Return the environment variables by which a vendor's own clients find a database."""
    names = dict(VENDORS[lease.vendor].clients.variables)
    settings: Mapping[str, object] = lease.settings
    if (socket := names.pop("SOCKET", "")) and lease.address is not None and lease.address.socket:
        del names["PORT"]
        values = {variable: str(settings.get(key, "")) for key, variable in names.items()}
        return {**values, names["HOST"]: "localhost", socket: lease.address.socket}
    return {variable: str(settings.get(key, "")) for key, variable in names.items()}


def misleading_variables(vendor: str) -> tuple[str, ...]:
    """Return the environment variables that could lead a vendor's clients elsewhere."""
    own = tuple(VENDORS[vendor].clients.variables.values())
    return (*own, *(BACKENDS[vendor].overriding_variables if vendor in BACKENDS else ()))
