"""Only a driver's own connection is asked which server it has reached."""

from __future__ import annotations

from unittest import mock

import pytest

from ctest_containers.backends import BACKENDS


class Plain:
    """What a test may put in the place of a connection."""


@pytest.mark.parametrize("stand_in", [Plain(), mock.Mock(), mock.MagicMock()])
@pytest.mark.parametrize("vendor", BACKENDS)
def test_a_stand_in_for_a_connection_is_not_asked(stand_in: object, vendor: str) -> None:
    assert BACKENDS[vendor].identity_of(stand_in) == ""
    assert getattr(stand_in, "mock_calls", []) == []
