"""What is kept of failures, found again and pruned."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ctest_containers.errors import UsageError
from ctest_containers.failures.model import KeptDatabases, KeptFailure
from ctest_containers.failures.store import FACTS, FailureStore
from ctest_containers.model import SQLITE, DatabaseGroup, DatabasePlan


def _failure(name: str, test_id: str, kept_at: float = 1000.0) -> KeptFailure:
    databases = KeptDatabases(
        plan=DatabaseGroup(
            vendor=SQLITE, number=1, databases=(DatabasePlan(name="db", aliases=("default",)),)
        ),
        fingerprint="f" * 64,
        files={"default": "default.sqlite3"},
    )
    return KeptFailure(
        name=name,
        project="shop",
        run=name[:8],
        test_id=test_id,
        kept_at=kept_at,
        headline="AssertionError: 1 != 2",
        text="Traceback …",
        databases=(databases,),
    )


def _add(store: FailureStore, failure: KeptFailure, size: int = 10) -> None:
    (store.new(failure.name) / "default.sqlite3").write_bytes(b"x" * size)
    store.add(failure)


@pytest.fixture
def store(tmp_path: Path) -> FailureStore:
    return FailureStore(tmp_path / "failures")


def test_a_failure_is_read_as_it_was_written() -> None:
    failure = _failure("ab12cd34-1", "shop.tests.CartTests.test_total")

    assert KeptFailure.from_json(failure.to_json()) == failure


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_what_is_not_a_failure_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        KeptFailure.from_json(text)


def test_the_latest_failure_comes_first(store: FailureStore) -> None:
    _add(store, _failure("a-1", "shop.A.test_a", 1.0))
    _add(store, _failure("b-1", "shop.B.test_b", 2.0))

    assert [stored.failure.name for stored in store.all()] == ["b-1", "a-1"]
    assert store.find().failure.name == "b-1"


@pytest.mark.parametrize(
    "name", ["shop.tests.CartTests.test_total", "shop.tests.Cart", "CartTests", "test_tot", "ab12"]
)
def test_a_failure_is_found_by_the_beginning_of_a_part_of_its_name(
    store: FailureStore, name: str
) -> None:
    _add(store, _failure("ab12cd34-1", "shop.tests.CartTests.test_total"))
    _add(store, _failure("ffffffff-1", "shop.tests.OrderTests.test_sum", 2000.0))

    assert store.find(name).failure.test_id == "shop.tests.CartTests.test_total"


def test_a_beginning_that_fits_two_tests_is_refused_with_both_names(store: FailureStore) -> None:
    _add(store, _failure("a-1", "shop.CartTests.test_a"))
    _add(store, _failure("a-2", "shop.CartTests.test_b"))

    with pytest.raises(UsageError, match=r"shop\.CartTests\.test_a, shop\.CartTests\.test_b"):
        store.find("CartTests")


def test_a_whole_name_is_not_confused_with_a_longer_one(store: FailureStore) -> None:
    _add(store, _failure("a-1", "shop.CartTests.test_a"))
    _add(store, _failure("a-2", "shop.CartTests.test_a_and_b", 2000.0))

    assert store.find("shop.CartTests.test_a").failure.name == "a-1"


def test_the_error_for_a_failure_that_is_not_kept_names_the_run_to_repeat(
    store: FailureStore,
) -> None:
    _add(store, _failure("a-1", "shop.CartTests.test_a"))

    with pytest.raises(UsageError) as error:
        store.find("shop.Gone")

    assert "run shop.Gone --keep-failed" in str(error.value.hint)


def test_without_any_failure_the_error_says_how_to_keep_one(store: FailureStore) -> None:
    with pytest.raises(UsageError) as error:
        store.find()

    assert "--keep-failed" in str(error.value.hint)


def test_the_oldest_failures_are_pruned_until_the_rest_fits(store: FailureStore) -> None:
    now = time.time()
    for number in range(4):
        _add(store, _failure(f"a-{number}", f"shop.A.test_{number}", now + number), 100_000)

    removed = store.prune(max_bytes=210_000)

    assert [stored.failure.name for stored in removed] == ["a-1", "a-0"]
    assert [stored.failure.name for stored in store.all()] == ["a-3", "a-2"]


def test_old_failures_are_pruned(store: FailureStore) -> None:
    _add(store, _failure("a-1", "shop.A.test_a", time.time() - 15 * 86_400))

    store.prune()

    assert store.all() == []


def test_what_a_killed_run_left_is_pruned_once_no_run_can_be_writing_it(
    store: FailureStore,
) -> None:
    old, new = store.new("old-1"), store.new("new-1")
    os.utime(old, (1.0, 1.0))

    store.prune()

    assert not old.exists()
    assert new.exists()


def test_only_its_user_can_read_a_failure(store: FailureStore) -> None:
    _add(store, _failure("a-1", "shop.A.test_a"))

    [stored] = store.all()

    assert (stored.folder.stat().st_mode & 0o077) == 0
    assert ((stored.folder / FACTS).stat().st_mode & 0o077) == 0
