"""A template is refused whose servers do not start with what it was made with."""

from __future__ import annotations

import pytest

from ctest_containers.errors import TemplateError
from ctest_containers.servers.contents import Contents, check_contents

ROWS = "rows of shop_item in the database test_shop"
TABLES = {"table shop_item": "ENGINE=InnoDB"}


def contents(rows: int, catalog: dict[str, str] = TABLES) -> Contents:
    return Contents(
        catalogs={"test_shop": catalog}, counts={"test_shop": {"rows of shop_item": rows}}
    )


def test_the_same_contents_are_no_problem() -> None:
    check_contents(contents(3), contents(3))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (
            contents(3),
            contents(0),
            f"{ROWS}: 0 instead of 3",
        ),
        (
            contents(0),
            contents(3),
            f"{ROWS}: 3 instead of 0",
        ),
        (contents(1), Contents({}, {}), f"{ROWS}: 0"),
        (contents(1), contents(1, {}), "test_shop: table shop_item"),
    ],
)
def test_what_differs_is_named(before: Contents, after: Contents, words: str) -> None:
    with pytest.raises(TemplateError, match="is not as the migrations left it") as error:
        check_contents(before, after)

    assert words in error.value.message
