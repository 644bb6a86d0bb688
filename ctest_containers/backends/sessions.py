"""Ends the sessions that others have on a server, whatever its vendor."""

from __future__ import annotations

from collections.abc import Collection

from ctest_containers.backends import backend_of
from ctest_containers.errors import UnsupportedVendorError
from ctest_containers.model import Address, Vendor


def end_sessions(vendor: str, address: Address | None, *, keep: Collection[int] = ()) -> int:
    """End every session on a server but the toolkit's own; SQLite has none.

    Args:
        vendor: What Django's `connection.vendor` says.
        keep: The sessions to keep, by the server's own numbers.

    Returns:
        How many were ended.

    Raises:
        UnsupportedVendorError: Nobody here knows how to end sessions of this vendor.
        ServerError: The server refused.
    """
    if vendor == Vendor.SQLITE.value:
        return 0
    backend = backend_of(vendor)
    if backend is None or address is None:
        names = ", ".join(one.value for one in Vendor)
        raise UnsupportedVendorError(
            f"Connections to a database of the vendor {vendor!r} cannot be ended: it has no "
            "backend here.",
            f"Supported: {names}.",
        )
    return backend.end_sessions(address, keep)
