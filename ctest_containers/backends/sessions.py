"""Ends the sessions of other clients on a server of any vendor."""

from __future__ import annotations

from collections.abc import Collection

from ctest_containers.backends import BACKENDS, VENDORS
from ctest_containers.errors import UnsupportedVendorError
from ctest_containers.model import SQLITE, Address


def end_sessions(vendor: str, address: Address | None, *, keep: Collection[int] = ()) -> int:
    """End every session on a server except the toolkit's own; SQLite has none.

    Args:
        vendor: Django's `connection.vendor`.
        keep: The sessions to keep, by the server's own numbers.

    Returns:
        How many were ended.

    Raises:
        UnsupportedVendorError: The vendor is not supported.
        ServerError: The server reported an error.
    """
    if vendor == SQLITE:
        return 0
    backend = BACKENDS.get(vendor)
    if backend is None or address is None:
        raise UnsupportedVendorError(
            f"Connections to {vendor!r} databases cannot be ended: the vendor is not supported.",
            f"Supported: {', '.join(VENDORS)}.",
        )
    return backend.end_sessions(address, keep)
