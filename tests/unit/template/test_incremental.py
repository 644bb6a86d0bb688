"""A template grows out of an earlier one only if migrations were added and nothing else changed."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from ctest_containers.fingerprint import Input
from ctest_containers.template.incremental import MAX_DEPTH, Decision, decide, digests
from ctest_containers.template.kept import KeptTemplate

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
    depth: int = 0,
    created: float = 0.0,
) -> KeptTemplate:
    return KeptTemplate(
        source=name,
        project="shop",
        group="postgresql",
        fingerprint="f" * 64,
        created=created,
        used=created,
        size=0,
        depth=depth,
        branch="",
        catalog="",
        databases=(),
        own_image=True,
        inputs=digests(inputs(changed)),
    )


def no_rewriters(_: Iterable[str]) -> list[str]:
    return []


def test_without_an_earlier_template_everything_is_built() -> None:
    decision = decide(inputs(), [], no_rewriters)

    assert decision == Decision(None, "there is no earlier template of this project")


def test_added_migrations_are_added_to_the_earlier_template() -> None:
    today = inputs({"migration shop.0002_name": "x", "migration billing.0014_tax": "y"})
    earlier = kept()

    decision = decide(today, [earlier], no_rewriters)

    assert decision.start is earlier
    assert decision.reason == "2 new migrations: shop.0002_name, billing.0014_tax"


def test_the_permissions_of_new_models_come_with_their_migrations() -> None:
    today = inputs({"migration shop.0002_tag": "x", "permissions shop.Tag": "tag"})

    assert decide(today, [kept()], no_rewriters).start is not None


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
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
def test_any_other_change_calls_for_a_full_build(
    changed: dict[str, str | None], reason: str
) -> None:
    decision = decide(inputs(changed), [kept()], no_rewriters)

    assert decision == Decision(None, reason)


def test_a_migration_that_comes_before_older_ones_calls_for_a_full_build() -> None:
    today = inputs({"migration shop.0001_a_squashed": "x"})

    decision = decide(today, [kept()], lambda names: [one for one in names if "squashed" in one])

    assert decision.start is None
    assert decision.reason == (
        "1 new migration: shop.0001_a_squashed; shop.0001_a_squashed would come before older ones"
    )


def test_the_earlier_template_that_lacks_least_is_taken() -> None:
    today = inputs({"migration shop.0002_name": "x", "migration shop.0003_price": "y"})
    far, near = kept("far", created=9.0), kept("near", changed={"migration shop.0002_name": "x"})

    assert decide(today, [far, near], no_rewriters).start is near


def test_a_template_of_another_branch_does_not_stand_in_the_way() -> None:
    today = inputs({"migration shop.0002_name": "x"})
    branch, main = kept("branch", changed={"migration shop.0002_other": "z"}), kept("main")

    assert decide(today, [branch, main], no_rewriters).start is main


def test_after_a_number_of_incremental_builds_one_is_full() -> None:
    today = inputs({"migration shop.0002_name": "x"})

    last = decide(today, [kept(depth=MAX_DEPTH - 1)], no_rewriters)
    after = decide(today, [kept(depth=MAX_DEPTH)], no_rewriters)

    assert last.start is not None
    assert after.start is None
    assert "incremental builds are enough" in after.reason


def test_a_chain_is_not_begun_again_from_its_middle() -> None:
    today = inputs({"migration shop.0002_name": "x", "migration shop.0003_price": "y"})
    deep = kept("deep", changed={"migration shop.0002_name": "x"}, depth=MAX_DEPTH)
    shallow = kept("shallow")

    assert decide(today, [deep, shallow], no_rewriters).start is None


def test_of_many_names_only_some_are_said() -> None:
    today = inputs({f"migration shop.{number:04}_x": "x" for number in range(2, 12)})

    reason = decide(today, [kept()], no_rewriters).reason

    assert reason == (
        "10 new migrations: shop.0002_x, shop.0003_x, shop.0004_x, shop.0005_x and 6 more"
    )
