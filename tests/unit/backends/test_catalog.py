"""Two catalogs are compared by a digest, and in words."""

from __future__ import annotations

from ctest_containers.backends.catalog import catalog_digest, differences, unapplied

BEFORE = {
    "test_shop": {"table public.product": "r p", "column public.product.name": "1 text not null"}
}


def test_the_order_of_things_does_not_change_the_digest() -> None:
    turned = {"test_shop": dict(reversed(BEFORE["test_shop"].items()))}

    assert catalog_digest(turned) == catalog_digest(BEFORE)


def test_every_thing_and_every_word_about_it_changes_the_digest() -> None:
    digests = {
        catalog_digest(one)
        for one in (
            BEFORE,
            {},
            {"other": BEFORE["test_shop"]},
            {"test_shop": {"table public.product": "r p"}},
            {"test_shop": {**BEFORE["test_shop"], "column public.product.name": "1 text"}},
        )
    }

    assert len(digests) == 5


def test_what_came_went_and_changed_is_told() -> None:
    after = {
        "test_shop": {
            "column public.product.name": "1 text",
            "index public.product_name": "CREATE INDEX\n  product_name",
        }
    }

    assert list(differences(BEFORE, after)) == [
        "~ test_shop: column public.product.name: 1 text not null -> 1 text",
        "+ test_shop: index public.product_name: CREATE INDEX product_name",
        "- test_shop: table public.product: r p",
    ]


def test_a_catalog_does_not_differ_from_itself() -> None:
    assert list(differences(BEFORE, BEFORE)) == []


def test_migrations_that_a_database_has_not_had_are_found() -> None:
    catalog = {"migration shop.0001_initial": "applied", "table public.product": "r p"}

    missing = unapplied(catalog, ["shop.0001_initial", "shop.0002_name"])

    assert missing == ["shop.0002_name"]
