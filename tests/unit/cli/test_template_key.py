"""What the templates that today's code wants are called in a cache."""

from __future__ import annotations

import re

from ctest_containers.cli.commands.template.key import cache_key
from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor
from ctest_containers.template import ProjectTemplate, identify

FIRST = Input("migration shop.0001", "a")
SECOND = Input("migration shop.0002", "b")
DJANGO = Input("Django", "c")


def _template(*inputs: Input, number: int = 1) -> ProjectTemplate:
    group = DatabaseGroup(
        vendor=Vendor("postgresql"),
        number=number,
        databases=(DatabasePlan(name="test_shop", aliases=("default",)),),
    )
    return identify(project="shop", group=group, inputs=inputs, base=None, base_digest="sha256:1")


def _begin(key: str) -> str:
    return key.rpartition("-")[0]


def test_a_key_is_the_same_for_the_same_templates() -> None:
    assert cache_key("shop", [_template(FIRST)]) == cache_key("shop", [_template(FIRST)])


def test_a_key_is_one_that_a_cache_accepts() -> None:
    key = cache_key("My Shop, in Ürümqi/" * 40, [_template(FIRST)])

    assert re.fullmatch(r"ctest-[a-z0-9._-]+-[0-9a-f]{24}-[0-9a-f]{24}", key)
    assert len(key) < 256


def test_a_new_migration_changes_only_the_end_of_the_key() -> None:
    before, after = (cache_key("shop", [_template(*one)]) for one in ([FIRST], [FIRST, SECOND]))

    assert before != after
    assert _begin(before) == _begin(after)


def test_whatever_else_changes_changes_the_begin_of_the_key() -> None:
    before, after = (cache_key("shop", [_template(FIRST, *one)]) for one in ([], [DJANGO]))

    assert _begin(before) != _begin(after)


def test_other_groups_of_databases_and_other_projects_have_other_keys() -> None:
    one, two = _template(FIRST), _template(FIRST, number=2)
    keys = [cache_key("shop", given) for given in ([], [one], [two], [one, two])]

    assert len({*keys, cache_key("another", [one])}) == 5
