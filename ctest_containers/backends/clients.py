"""How programs that are not Django find a database: by a URL, or by environment variables."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote, quote_plus

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.model import Lease


def database_url(lease: Lease) -> str:
    """The address of a database as one string, such as `postgresql://user@/name?host=/folder`."""
    clients = VENDORS[lease.vendor].clients
    given = {name: str(value) for name, value in lease.settings.items()}
    if lease.address is None:
        return f"{clients.scheme}:///{quote(given['NAME'])}"
    password = f":{quote(given['PASSWORD'], safe='')}" if given["PASSWORD"] else ""
    who, name = quote(given["USER"], safe="") + password, quote(given["NAME"], safe="")
    if lease.address.socket:
        folder, socket = map(quote_plus, (lease.address.host, lease.address.socket))
        fields = {"folder": folder, "port": lease.address.port, "socket": socket}
        return f"{clients.scheme}://{clients.socket_url.format(who=who, name=name, **fields)}"
    return f"{clients.scheme}://{who}@{lease.address.host}:{lease.address.port}/{name}"


def client_variables(lease: Lease) -> dict[str, str]:
    """The environment variables by which a vendor's own clients find a database."""
    names = dict(VENDORS[lease.vendor].clients.variables)
    given: Mapping[str, object] = lease.settings
    if (socket := names.pop("SOCKET", "")) and lease.address is not None and lease.address.socket:
        del names["PORT"]
        found = {variable: str(given.get(key, "")) for key, variable in names.items()}
        return {**found, names["HOST"]: "localhost", socket: lease.address.socket}
    return {variable: str(given.get(key, "")) for key, variable in names.items()}


def misleading_variables(vendor: str) -> tuple[str, ...]:
    """The environment variables that would lead a vendor's clients elsewhere."""
    own = tuple(VENDORS[vendor].clients.variables.values())
    return (*own, *(BACKENDS[vendor].overriding_variables if vendor in BACKENDS else ()))
