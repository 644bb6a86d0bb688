"""Databases are put on as few servers as their names allow."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.model import DatabasePlan, Vendor
from ctest_containers.project.databases import group_by_name

NAMES = st.lists(st.sampled_from("abcde"), max_size=12)


@given(NAMES)
def test_databases_are_grouped_by_name(names: list[str]) -> None:
    plans = [DatabasePlan(name=name, aliases=(f"a{n}",)) for n, name in enumerate(names)]

    groups = group_by_name(Vendor("postgresql"), plans)

    servers = [[one.name for one in group.databases] for group in groups]
    assert all(len(set(server)) == len(server) for server in servers)
    placed = [one for group in groups for one in group.databases]
    assert Counter(placed) == Counter(plans)
    assert len(groups) == max(Counter(names).values(), default=0)
    assert len({group.label for group in groups}) == len(groups)
    assert all(group.databases for group in groups)
