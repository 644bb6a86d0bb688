"""A run replaces what it has recorded, and keeps what may still count for others."""

from __future__ import annotations

import pytest
from unit.usage.made_recordings import TODAY, YESTERDAY, ran, recorded, recorded_today, sent

from ctest_containers.usage.merging import joined
from ctest_containers.usage.model import Usage
from ctest_containers.usage.recording import Recording, Run


def test_a_test_that_runs_again_is_replaced_and_others_remain() -> None:
    before = recorded(YESTERDAY, {"test a": ran("old"), "test b": ran("other")})

    after = joined(before, recorded_today({"test a": ran("new")}))

    assert dict(after.units) == {"test a": ran("new"), "test b": ran("other")}
    assert after.runs == {"test a": TODAY, "test b": YESTERDAY}
    assert after.run == TODAY


def test_of_two_runs_at_once_the_one_that_began_later_counts() -> None:
    first = recorded_today({"test a": ran("new")})
    second = recorded(YESTERDAY, {"test a": ran("old")}, {"a": "failed"}, follows=TODAY.id)

    after = joined(first, second)

    assert dict(after.units) == {"test a": ran("new")}
    assert after.marks == {}


@pytest.mark.parametrize("unit", ["base", "import shop.tasks", "cached shop:rates", "fixture ::db"])
def test_what_counts_for_several_tests_is_united(unit: str) -> None:
    before = recorded(YESTERDAY, {unit: ran("old"), "test a": Usage()})

    after = joined(before, recorded_today({unit: ran("new"), "test b": Usage()}))

    assert after.units[unit] == ran("old", "new")
    assert after.runs[unit] == TODAY


@pytest.mark.parametrize("unit", ["class shop.CartTests", "module shop.tests"])
def test_fixtures_of_a_class_are_replaced_by_another_run_and_united_within_one(unit: str) -> None:
    before = recorded(YESTERDAY, {unit: ran("old")})

    after = joined(before, recorded_today({unit: ran("new")}))
    again = joined(after, recorded_today({unit: ran("in another worker")}))

    assert dict(after.units) == {unit: ran("new")}
    assert dict(again.units) == {unit: ran("new", "in another worker")}


def test_a_run_of_all_tests_replaces_everything() -> None:
    before = recorded(YESTERDAY, {"test gone": ran("a"), "base": ran("old")}, {"gone": "failed"})

    after = joined(before, recorded_today({"base": ran("new")}, is_complete=True))

    assert dict(after.units) == {"base": ran("new")}
    assert after.marks == {}
    assert after.is_complete


def test_a_run_that_does_not_follow_a_recording_replaces_it() -> None:
    before = recorded(YESTERDAY, {"test b": ran("b")})

    after = joined(before, recorded_today({"test a": ran("a")}, follows="00000000"))

    assert dict(after.units) == {"test a": ran("a")}


def test_jobs_that_follow_different_runs_are_joined_but_follow_neither() -> None:
    first = recorded_today({"test a": ran("a")})
    second = recorded_today({"test b": ran("b")}, follows="00000000")

    both = joined(first, second)

    assert dict(both.units) == {"test a": ran("a"), "test b": ran("b")}
    assert joined(recorded(YESTERDAY, {"test c": ran("c")}), both).units.keys() == both.units.keys()


def test_processes_that_share_a_run_of_all_tests_do_not_replace_each_other() -> None:
    before = recorded(YESTERDAY, {"test gone": ran("a")})
    parts = [
        recorded_today({"base": ran(name), f"test {name}": ran(name)}, is_complete=True)
        for name in "ab"
    ]

    after = joined(joined(before, parts[0]), parts[1])

    assert dict(after.units) == {"base": ran("a", "b"), "test a": ran("a"), "test b": ran("b")}
    assert after.is_complete


def test_statements_of_what_is_united_are_not_added_up() -> None:
    before = recorded(YESTERDAY, {"base": Usage(statements=(sent("SELECT 1"), sent("SELECT 2")))})

    after = joined(before, recorded_today({"base": Usage(statements=(sent("SELECT 1", 3),))}))

    assert after.units["base"].statements == (sent("SELECT 1", 3), sent("SELECT 2"))


def test_tests_that_have_not_run_for_long_are_forgotten() -> None:
    before = recorded(
        Run("00000000", "2025-10-01T10:00:00.000+00:00"),
        {"test gone": ran("old"), "base": ran("x")},
    )

    after = joined(before, recorded_today({"test a": ran("new")}))

    assert dict(after.units) == {"test a": ran("new")}


def test_what_no_remaining_test_needs_is_forgotten() -> None:
    before = recorded(YESTERDAY, {"test a": ran("a"), "import shop.tasks": ran("tasks")})

    after = joined(before, recorded_today({"test a": ran("a")}))

    assert dict(after.units) == {"test a": ran("a")}


def test_a_test_that_passes_loses_its_mark_and_one_that_does_not_run_keeps_it() -> None:
    marks = {"a": "failed", "b": "failed", "new": "failed"}
    before = recorded(YESTERDAY, {"test a": ran("a"), "test b": ran("b")}, marks)

    after = joined(before, recorded_today({"test a": ran("a")}))

    assert after.marks == {"b": "failed", "new": "failed"}


def test_a_test_that_changes_reach_and_that_does_not_run_is_marked() -> None:
    before = recorded(YESTERDAY, {"test a": ran("a"), "test b": ran("b")})

    after = joined(before, recorded_today({"test a": ran("a")}, {"b": "shop.views.b changed"}))

    assert after.marks == {"b": "shop.views.b changed"}


def test_a_mark_does_not_count_if_another_process_of_the_run_has_run_the_test() -> None:
    stale = {"a": "shop.views.a changed", "b": "shop.views.b changed"}
    before = recorded(YESTERDAY, {"test a": ran("old"), "test b": ran("old")})
    first = recorded_today({"test a": ran("a")}, {"b": stale["b"]})
    second = recorded_today({"test b": ran("b")}, {"a": stale["a"]})

    assert joined(joined(before, first), second).marks == {}
    assert joined(before, joined(first, second)).marks == {}


def test_a_test_that_ended_its_worker_is_marked_and_keeps_what_it_used_before() -> None:
    before = recorded(YESTERDAY, {"test a": ran("a")})

    after = joined(before, recorded_today({}, {"a": "did not end"}))

    assert after.marks == {"a": "did not end"}
    assert dict(after.units) == {"test a": ran("a")}


def test_nothing_joined_with_nothing_is_nothing() -> None:
    assert dict(joined(Recording(), Recording()).units) == {}
