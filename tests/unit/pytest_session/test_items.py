"""Values of marks and parameters are described in the same way in every process."""

from __future__ import annotations

import pytest

from ctest_containers.pytest_session.items import described


class Case:
    """A value that only has a type."""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b", "a"}, "{'a', 'b'}"),
        ({"b": 1, "a": [1, 2.5, None]}, "{'a': (1, 2.5, None), 'b': 1}"),
        (Case(), f"{__name__}.Case"),
        (Case, f"{__name__}.Case"),
        (pytest.param, "_pytest.mark.param"),
    ],
)
def test_a_value_has_a_text_without_addresses(value: object, text: str) -> None:
    assert described(value) == text


def test_a_value_that_contains_itself_has_an_end() -> None:
    value: list[object] = []
    value.append(value)

    assert described(value).endswith(")")
