"""How today's inputs differ from those of an earlier template, in words."""

from __future__ import annotations

import pytest

from ctest_containers.fingerprint import Input
from ctest_containers.template.incremental import digests, find_nearest
from ctest_containers.template.stored import StoredTemplate

BEFORE = {
    "Django": "5.2",
    "setting TIME_ZONE": "UTC",
    "migration shop.__init__": "",
    "migration shop.0001_initial": "products",
    "permissions shop.Product": "product",
    "receiver shop.count of post_migrate": "every app",
}


def inputs(changed: dict[str, str | None] | None = None) -> list[Input]:
    """What there was before, with changes; None takes an input away."""
    now = {**BEFORE, **(changed or {})}
    return [Input.of(name, text) for name, text in now.items() if text is not None]


def kept(
    name: str = "earlier",
    *,
    changed: dict[str, str | None] | None = None,
    created: float = 0.0,
) -> StoredTemplate:
    return StoredTemplate(
        source=name,
        project="shop",
        group="postgresql",
        fingerprint="f" * 64,
        created=created,
        used=created,
        size=0,
        depth=0,
        branch="",
        catalog="",
        databases=(),
        own_image=True,
        inputs=digests(inputs(changed)),
    )


def reason(changed: dict[str, str | None], earlier: list[StoredTemplate] | None = None) -> str:
    """How today's inputs differ from those of the nearest earlier template."""
    nearest = find_nearest(inputs(changed), [kept()] if earlier is None else earlier)
    assert nearest is not None
    return str(nearest[1])


def test_without_an_earlier_template_none_is_nearest() -> None:
    assert find_nearest(inputs(), []) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"migration shop.0002_name": "x", "migration billing.0014_tax": "y"},
            "2 new migrations: shop.0002_name, billing.0014_tax",
        ),
        (
            {"migration shop.0002_tag": "x", "permissions shop.Tag": "tag"},
            "1 new migration: shop.0002_tag",
        ),
        ({"migration shop.0001_initial": "edited"}, "edited: shop.0001_initial"),
        ({"migration shop.0001_initial": None}, "removed: shop.0001_initial"),
        (
            {"migration shop.0002_name": "x", "migration shop.0001_initial": "edited"},
            "1 new migration: shop.0002_name; edited: shop.0001_initial",
        ),
        (
            {"migration shop.0002_name": "x", "setting TIME_ZONE": "Europe/Berlin"},
            "1 new migration: shop.0002_name; changed: setting TIME_ZONE",
        ),
        ({"permissions shop.Product": "renamed"}, "changed: permissions shop.Product"),
        ({"permissions shop.Tag": "tag"}, "added: permissions shop.Tag"),
        (
            {"migration shop.0002_rows": "x", "migration shop.rows/first.sql": "1"},
            "2 new migrations: shop.0002_rows, shop.rows/first.sql",
        ),
        (
            {"migration shop.0002_tag": "x", "receiver shop.fill of post_migrate": "every app"},
            "1 new migration: shop.0002_tag; added: receiver shop.fill of post_migrate",
        ),
        ({"Django": "6.0"}, "changed: Django"),
    ],
)
def test_what_differs_is_said_by_its_name(changed: dict[str, str | None], said: str) -> None:
    assert reason(changed) == said


def test_the_earlier_template_that_lacks_least_is_nearest() -> None:
    today = inputs({"migration shop.0002_name": "x", "migration shop.0003_price": "y"})
    far, near = kept("far", created=9.0), kept("near", changed={"migration shop.0002_name": "x"})

    nearest = find_nearest(today, [far, near])

    assert nearest is not None
    assert nearest[0] is near


def test_one_that_only_lacks_migrations_goes_before_that_of_another_branch() -> None:
    today = inputs({"migration shop.0002_name": "x"})
    branch, main = kept("branch", changed={"migration shop.0002_other": "z"}), kept("main")

    nearest = find_nearest(today, [branch, main])

    assert nearest is not None
    assert nearest[0] is main


def test_of_many_names_only_some_are_said() -> None:
    said = reason({f"migration shop.{number:04}_x": "x" for number in range(2, 12)})

    assert said == (
        "10 new migrations: shop.0002_x, shop.0003_x, shop.0004_x, shop.0005_x and 6 more"
    )
