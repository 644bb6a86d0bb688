"""The toolkit's own role, and errors that mean a missing privilege."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from ctest_containers.backends.postgresql.privileges import POLICY_CHECK, refusal_in
from ctest_containers.backends.postgresql.session import ADMIN

DOCKERFILE = Path(__file__).resolve().parents[3] / "images" / "postgresql" / "Dockerfile"


class DriverError(Exception):
    """A stand-in for errors of psycopg and psycopg2."""

    def __init__(self, words: str, **codes: object) -> None:
        super().__init__(words)
        vars(self).update(codes)


@pytest.mark.parametrize("attribute", ["sqlstate", "pgcode"])
@pytest.mark.parametrize("is_explicit", [True, False])
def test_a_missing_privilege_is_recognised_in_a_drivers_error(
    attribute: str, *, is_explicit: bool
) -> None:
    driver = DriverError("permission denied\nHINT: none", **{attribute: "42501"})
    error = SystemExit(2)
    if is_explicit:
        error.__cause__ = driver
    else:
        error.__context__ = driver

    assert refusal_in(error) == "permission denied"


def test_a_cycle_of_causes_is_followed_only_once() -> None:
    first, second = ValueError(), ValueError()
    first.__cause__, second.__cause__ = second, first

    assert refusal_in(first) == ""


def test_a_row_that_violates_a_policy_is_not_a_missing_privilege() -> None:
    diagnosis = SimpleNamespace(source_function=POLICY_CHECK)

    assert refusal_in(DriverError("new row", sqlstate="42501", diag=diagnosis)) == ""


def test_other_errors_are_not_missing_privileges() -> None:
    assert refusal_in(DriverError("syntax", sqlstate="42601")) == ""
    assert refusal_in(ValueError("42501")) == ""


def test_the_image_has_the_role_that_the_toolkit_connects_as() -> None:
    assert f"CREATE ROLE {ADMIN} SUPERUSER LOGIN" in DOCKERFILE.read_text()
