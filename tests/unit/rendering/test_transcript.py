"""Two builds are compared without the values that each build has of its own."""

from __future__ import annotations

import pytest

from ctest_containers.rendering.transcript import LIMIT, VARYING, Transcript, differences

PLACE = "default: shop.0001_initial"


def transcript(*statements: str, rows: int = 0, catalog: str = "integer") -> Transcript:
    """What a build of one migration did."""
    return Transcript(
        {PLACE: {statement: statements.count(statement) for statement in statements}},
        {"default": {"column shop_item.id": catalog}},
        {"default: shop_item": (rows, "")},
    )


def test_builds_that_did_the_same_in_another_order_do_not_differ() -> None:
    assert not differences(transcript("SELECT 1", "SELECT 2"), transcript("SELECT 2", "SELECT 1"))


def test_a_statement_that_only_one_build_has_is_named_with_its_migration() -> None:
    assert differences(transcript("SELECT 1"), transcript("SELECT 2")) == [
        f"{PLACE}: only with Django: SELECT 1",
        f"{PLACE}: only on demand: SELECT 2",
    ]


def test_a_statement_that_one_build_has_more_often_is_a_difference() -> None:
    once, twice = transcript("SELECT 1"), transcript("SELECT 1", "SELECT 1")

    assert differences(once, twice) == [f"{PLACE}: only on demand: SELECT 1"]


def test_tables_and_rows_that_differ_are_named() -> None:
    assert differences(transcript(), transcript(rows=2, catalog="bigint")) == [
        "~ default: column shop_item.id: integer -> bigint",
        "default: shop_item: 0 rows with Django, 2 on demand",
    ]


def test_no_more_differences_are_listed_than_anybody_reads() -> None:
    many = transcript(*(f"SELECT {number}" for number in range(100)))

    assert len(differences(transcript(), many)) == LIMIT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("at '2026-11-30 05:12:33.123456+00:00'", "at '2025-01-01 00:00:00+00:00'"),
        ("on 2026-11-30", "on 2025-01-01"),
        ("id 5d41402abc4b2a76b9719d911017c592", "id 7d793037a0760186574b0282f2f435e7"),
        ("id 6ba7b810-9dad-11d1-80b4-00c04fd430c8", "id 6ba7b814-9dad-11d1-80b4-00c04fd430c8"),
        ('SAVEPOINT "s140_x1"', 'SAVEPOINT "s99_x3"'),
        ("pbkdf2_sha256$870000$salt$aGFzaA==", "pbkdf2_sha256$870000$other$b3RoZXI="),
    ],
)
def test_moments_and_random_values_are_no_difference(one: str, other: str) -> None:
    assert VARYING.sub("?", one) == VARYING.sub("?", other)


def test_other_values_are_a_difference() -> None:
    assert VARYING.sub("?", "20 items of 2026") == "20 items of 2026"
