"""Sessions are ended for vendors that are known, and for no others."""

from __future__ import annotations

import pytest

from ctest_containers.backends import BACKENDS
from ctest_containers.backends.sessions import end_sessions
from ctest_containers.errors import ServerError, UnsupportedVendorError
from ctest_containers.model import Address

NOWHERE = Address(host="/nonexistent", port=5432, user="postgres")


def test_sqlite_has_no_sessions_to_end() -> None:
    assert end_sessions("sqlite", None) == 0


@pytest.mark.parametrize("vendor", ["oracle", "", "Postgresql"])
def test_an_unknown_vendor_is_refused_by_name(vendor: str) -> None:
    with pytest.raises(UnsupportedVendorError, match=f"'{vendor}' databases cannot be ended"):
        end_sessions(vendor, NOWHERE)


@pytest.mark.parametrize("vendor", BACKENDS)
def test_a_server_that_is_not_there_is_an_error_and_not_a_success(vendor: str) -> None:
    with pytest.raises(ServerError):
        end_sessions(vendor, NOWHERE)
