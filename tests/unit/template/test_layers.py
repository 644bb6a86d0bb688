"""From which layer a build goes on: the one that has most of the plan, and nothing besides."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor
from ctest_containers.project.migrations import Plan
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.incremental import digests
from ctest_containers.template.layers import (
    MAX_DEPTH,
    Milestone,
    find_start,
    is_resumable,
    layer_inputs,
)
from ctest_containers.template.stored import StoredTemplate

STEPS = ("auth.0001", "shop.0001", "shop.0002", "tax.0001")
BASE = {"Django": "5.2", "permissions shop.Product": "product", "migration shop.__init__": ""}

Changes = dict[str, str | None]


def template(steps: Sequence[str] = STEPS, changed: Changes | None = None) -> ProjectTemplate:
    """A project whose migrations are these; None takes an input away."""
    texts: Changes = {**BASE, **{f"migration {name}": name for name in steps}, **(changed or {})}
    return ProjectTemplate(
        project="shop",
        group=DatabaseGroup(
            vendor=Vendor("postgresql"),
            number=1,
            databases=(DatabasePlan(name="test_shop", aliases=("default",)),),
        ),
        key="k",
        inputs=tuple(Input.of(name, text) for name, text in texts.items() if text is not None),
        base=None,
    )


def plan(
    steps: Sequence[str] = STEPS,
    *,
    data: Sequence[str] = (),
    altering: Sequence[str] = (),
    targets: Mapping[str, frozenset[str]] | None = None,
    fixed: Sequence[str] = (),
    sharing: Sequence[str] = (),
    has_squashed: bool = False,
) -> Plan:
    return Plan(
        steps=tuple(steps),
        with_data=frozenset(data),
        of_rows=frozenset(data),
        altering=frozenset(altering),
        targets=targets or {},
        fixed=frozenset(fixed),
        sharing=frozenset(sharing),
        has_squashed=has_squashed,
    )


def layer(
    applied: Sequence[str],
    *,
    touched: Sequence[str] = (),
    steps: Sequence[str] = STEPS,
    complete: Sequence[str] = (),
    depth: int = 0,
    used: float = 0.0,
    milestone: str | None = None,
) -> StoredTemplate:
    """What was kept when a project with these steps had had some of them."""
    point = Milestone(
        applied={"default": [*applied]},
        complete=[*complete],
        touched={name: {"16400": "w"} for name in touched},
    )
    inputs = template(steps).inputs
    name = "template" if complete else f"layer-{len(applied)}-{used:g}"
    return StoredTemplate(
        source=name,
        project="shop",
        group="postgresql",
        fingerprint=name,
        created=used,
        used=used,
        size=0,
        depth=depth,
        branch="",
        catalog="",
        databases=("test_shop",),
        own_image=True,
        inputs=digests(inputs) if complete else layer_inputs(inputs, point, {*steps} - {*applied}),
        milestone=point.to_json() if milestone is None else milestone,
    )


def start(
    wanted: ProjectTemplate,
    kept: Sequence[StoredTemplate],
    today: Plan,
    changed: Sequence[str] = (),
    *,
    late_data: bool = False,
) -> str:
    """The source of what a build goes on from; an empty string for a full build."""

    def changes(one: StoredTemplate) -> set[str]:
        return {one.source} & {*changed}

    found = find_start(wanted, kept, today, changes, late_data=late_data)
    return found.stored.source if found else ""


EVERY = [layer(STEPS[:count]) for count in range(1, 5)]


def test_a_build_goes_on_from_the_longest_part_of_the_plan_that_is_unchanged() -> None:
    edited = template(changed={"migration shop.0002": "edited"})

    found = find_start(edited, EVERY, plan(), lambda _: [], late_data=True)

    assert found is not None
    assert found.stored.source == "layer-2-0"
    assert found.amount == "2 of 4 are already applied"


def test_a_layer_that_has_used_something_that_is_another_today_is_passed_over() -> None:
    edited = template(changed={"migration tax.0001": "edited"})

    assert start(edited, EVERY, plan()) == "layer-3-0"
    assert start(edited, EVERY, plan(), ["layer-3-0"]) == "layer-2-0"


def test_a_new_migration_with_data_starts_from_what_comes_before_it() -> None:
    steps = ("auth.0001", "auth.0002", *STEPS[1:])

    found = start(template(steps), EVERY, plan(steps, data=["auth.0002"]))

    assert found == "layer-1-0"


def test_a_new_migration_with_data_may_follow_others_if_it_is_known_what_they_touch() -> None:
    steps = ("auth.0001", "auth.0002", *STEPS[1:])
    today = plan(steps, data=["auth.0002", "tax.0001"])
    known, unknown = layer(STEPS, touched=STEPS), layer(STEPS)

    assert start(template(steps), [known, EVERY[0]], today, late_data=True) == known.source
    assert start(template(steps), [unknown, EVERY[0]], today, late_data=True) == "layer-1-0"
    assert start(template(steps), [known, EVERY[0]], today, late_data=False) == "layer-1-0"


def test_a_new_migration_without_data_may_follow_data_if_it_is_known_what_that_touches() -> None:
    steps = ("auth.0001", "auth.0002", *STEPS[1:])
    kept = [layer(STEPS, touched=STEPS), EVERY[0]]
    today = plan(steps, data=["tax.0001"])

    assert start(template(steps), kept, today, late_data=True) == kept[0].source
    assert start(template(steps), kept, today, late_data=False) == "layer-1-0"


def test_those_that_were_applied_with_data_stay_in_their_order() -> None:
    steps = ("auth.0001", "tax.0001", "shop.0001", "shop.0002")
    known = layer(STEPS, touched=STEPS)

    assert start(template(steps), [known], plan(steps, data=["tax.0001"]), late_data=True) == ""


def test_a_new_migration_without_data_follows_those_of_other_apps() -> None:
    steps = ("auth.0001", "auth.0002", *STEPS[1:])

    assert start(template(steps), EVERY, plan(steps)) == "layer-4-0"


@pytest.mark.parametrize(
    "today",
    [
        # Foreign keys get the type of what they lead to.
        {"altering": ["shop.0002"], "targets": {"auth.0002": frozenset({"shop"})}},
        {"altering": ["auth.0002"], "targets": {"shop.0001": frozenset({"auth"})}},
        {"fixed": ["auth.0002"]},
        {"fixed": ["shop.0001"]},
        {"sharing": ["auth.0002"]},
        {"sharing": ["shop.0001"]},
        {"has_squashed": True},
    ],
)
@pytest.mark.parametrize("late_data", [False, True])
def test_a_new_migration_without_data_never_follows_what_it_may_depend_on(
    today: dict[str, Any], *, late_data: bool
) -> None:
    steps = ("auth.0001", "auth.0002", *STEPS[1:])
    kept = [layer(STEPS, touched=STEPS), EVERY[0]]

    assert start(template(steps), kept, plan(steps, **today), late_data=late_data) == "layer-1-0"


def test_a_new_migration_never_follows_later_ones_of_its_app() -> None:
    steps = ("auth.0001", "shop.0001", "shop.0001_a", "shop.0002", "tax.0001")

    assert start(template(steps), EVERY, plan(steps)) == "layer-2-0"


def test_a_dependency_may_change_the_order_of_what_was_applied() -> None:
    steps = ("auth.0001", "tax.0001", "shop.0001", "shop.0002")

    assert start(template(steps), EVERY, plan(steps)) == "layer-4-0"
    assert start(template(steps), EVERY, plan(steps, data=["auth.0001"])) == "layer-4-0"
    assert start(template(steps), EVERY, plan(steps, data=["shop.0001"])) == "layer-1-0"
    assert start(template(steps), EVERY, plan(steps, data=["tax.0001"])) == "layer-1-0"


def test_what_a_squashed_migration_replaces_must_not_have_been_applied() -> None:
    steps = ("auth.0001", "shop.0001_squashed", "tax.0001")
    squashed = template(steps, {"migration shop.0001": "shop.0001"})

    assert start(squashed, EVERY, plan(steps, has_squashed=True)) == "layer-1-0"


def test_a_removed_migration_must_not_have_been_applied() -> None:
    assert start(template(STEPS[:3]), EVERY, plan(STEPS[:3])) == "layer-3-0"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"Django": "6.0"}, ""),
        ({"new setting": "1"}, ""),
        ({"migration shop.__init__": "edited"}, ""),
        ({"migration shop.rows.sql": "new"}, "layer-4-0"),
        ({"migration shop.__init__": None}, "layer-4-0"),
        ({"permissions shop.Product": "renamed"}, "layer-4-0"),
        ({"permissions shop.Tag": "new"}, "layer-4-0"),
    ],
)
def test_other_inputs_count_if_a_layer_may_depend_on_them(changed: Changes, expected: str) -> None:
    assert start(template(changed=changed), EVERY, plan()) == expected


def test_of_equal_layers_the_one_used_last_is_taken() -> None:
    older, newer = layer(STEPS[:2], used=1.0), layer(STEPS[:2], used=2.0)

    assert start(template(changed={"migration shop.0002": "x"}), [older, newer], plan()) == (
        newer.source
    )


def test_a_layer_that_comes_from_too_many_builds_is_passed_over() -> None:
    deep, shallow = layer(STEPS, depth=MAX_DEPTH), layer(STEPS[:1], depth=MAX_DEPTH - 1)

    assert start(template(), [deep, shallow], plan()) == shallow.source


@pytest.mark.parametrize(
    "milestone",
    [
        *("", "no JSON", "[]", '{"other": 1}', '{"applied": ["shop"]}', '{"applied": {"a": "b"}}'),
        json.dumps({"applied": {}, "complete": []}),
    ],
)
def test_a_milestone_that_cannot_be_read_is_no_start(milestone: str) -> None:
    assert start(template(), [layer(STEPS, milestone=milestone)], plan()) == ""


WHOLE = layer(STEPS, complete=["default"])
GROWN = (*STEPS, "tax.0002")


def test_without_a_layer_migrations_without_data_are_added_to_a_template() -> None:
    grown = template(GROWN, {"permissions tax.Rate": "new"})

    assert start(grown, [WHOLE], plan(GROWN)) == "template"
    assert start(grown, [WHOLE, layer(STEPS)], plan(GROWN)) == "layer-4-0"


@pytest.mark.parametrize(
    "changed",
    [
        {"receiver shop.fill of post_migrate": "every app"},
        {"permissions shop.Product": "renamed"},
        {"migration shop.0001": "edited"},
    ],
)
def test_nothing_else_is_added_to_a_template(changed: Changes) -> None:
    assert start(template(GROWN, changed), [WHOLE], plan(GROWN)) == ""


def test_migrations_with_data_are_not_added_to_a_template() -> None:
    """Permissions are there already, which a fresh database gets after the last migration."""
    assert start(template(GROWN), [WHOLE], plan(GROWN, data=["tax.0002"])) == ""


@pytest.mark.parametrize(
    "name", ["receiver shop.begin of pre_migrate", "command migrate", "test runner shop.Runner"]
)
def test_a_build_is_not_left_if_something_would_run_again_when_it_goes_on(name: str) -> None:
    assert is_resumable(template(changed={"receiver django.contrib.x of pre_migrate": "x"}))
    assert is_resumable(template(changed={"receiver shop.fill of post_migrate": "x"}))
    assert not is_resumable(template(changed={name: "x"}))
