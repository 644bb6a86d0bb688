"""How numbers and long texts are shown."""

from __future__ import annotations

import pytest

from ctest_containers.text import (
    duration,
    last_lines,
    plural,
    size,
    slug,
    were,
    without_credentials,
)


@pytest.mark.parametrize(
    ("count", "noun", "expected"),
    [
        (0, "worker", "0 workers"),
        (1, "worker", "1 worker"),
        (2, "worker", "2 workers"),
        (1, "alias", "1 alias"),
        (2, "alias", "2 aliases"),
    ],
)
def test_a_noun_is_plural_unless_there_is_one_of_it(count: int, noun: str, expected: str) -> None:
    assert expected == plural(count, noun)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0, "0.00 s"),
        (0.314, "0.31 s"),
        (9.5, "9.50 s"),
        (12.44, "12.4 s"),
        (60.0, "1 min 0 s"),
        (125.2, "2 min 5 s"),
        (119.7, "2 min 0 s"),
    ],
)
def test_a_duration_has_the_precision_that_its_length_deserves(
    seconds: float, expected: str
) -> None:
    assert expected == duration(seconds)


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 KiB"),
        (300 * 2**10, "300 KiB"),
        (512 * 2**20, "512 MiB"),
        (2**30, "1.0 GiB"),
        (15 * 2**30 + 2**29, "15.5 GiB"),
    ],
)
def test_a_size_has_the_unit_that_gives_few_digits(count: int, expected: str) -> None:
    assert expected == size(count)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("shop", "shop"),
        ("My Shop!", "my-shop"),
        ("__a..b__", "a-b"),
        ("Größe 10", "gr-e-10"),
        ("", "project"),
        ("日本", "project"),
    ],
)
def test_a_slug_has_only_what_an_image_name_may_have(name: str, expected: str) -> None:
    assert expected == slug(name)


def test_the_last_lines_of_a_log_leave_out_empty_ones() -> None:
    log = "one\n\ntwo\n   \nthree\n"

    found = last_lines(log, 2)

    assert found == "two\nthree"


def test_a_short_log_is_shown_as_a_whole() -> None:
    assert last_lines("one\ntwo") == "one\ntwo"
    assert last_lines("") == ""


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ftp://ann:secret@example.org/x", "ftp://***@example.org/x"),
        ("'redis://:p@ss/w@rd@cache:6379'", "'redis://***@cache:6379'"),
        ("ann:secret@ghcr.io/acme", "***@ghcr.io/acme"),
        ("--push=http://ann:secret@gateway", "--push=http://***@gateway"),
        ("default=ann:secret@host/image", "default=***@host/image"),
        ("postgres:16@sha256:0123", "postgres:16@sha256:0123"),
        ("localhost:5000/postgres:16", "localhost:5000/postgres:16"),
        ("ann@example.org", "ann@example.org"),
    ],
)
def test_addresses_are_shown_without_user_and_password(text: str, shown: str) -> None:
    assert without_credentials(text) == shown


def test_a_verb_belongs_to_one_thing_or_to_several() -> None:
    assert [were(count) for count in (0, 1, 2)] == ["were", "was", "were"]
