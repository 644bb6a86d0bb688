"""A build that takes long says how far it is, and how long the rest took before."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctest_containers.events import MigrationsProgressed
from ctest_containers.model import SQLITE, DatabaseGroup
from ctest_containers.template.progress import (
    REPORT_SECONDS,
    Progress,
    keep_seconds,
    read_seconds,
)

PLAN = ["shop.0001_initial", "shop.0002_more", "shop.0003_most"]


class Clock:
    """A clock that stands still unless it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def reports(known: dict[str, float], seconds: float) -> list[MigrationsProgressed]:
    """What is reported of PLAN if each migration takes some seconds."""
    reported: list[MigrationsProgressed] = []
    clock = Clock()
    group = DatabaseGroup(vendor=SQLITE, number=1, databases=())
    progress = Progress(group, known, reported.append, clock)
    progress.expect(PLAN)
    for name in PLAN:
        progress.begin(name, "default")
        clock.now += seconds
    return reported


def test_a_quick_build_reports_nothing() -> None:
    assert not reports({}, REPORT_SECONDS / 4)


def test_a_long_build_says_how_far_it_is() -> None:
    first, second = reports({}, REPORT_SECONDS)

    assert (first.number, first.total, first.migration) == (2, 3, "shop.0002_more")
    assert (second.number, second.seconds_left) == (3, None)


def test_what_is_left_is_what_the_rest_took_before() -> None:
    first, second = reports(dict.fromkeys(PLAN, 7.0), REPORT_SECONDS)

    assert (first.seconds_left, second.seconds_left) == (14.0, 7.0)


def test_what_a_build_took_is_kept_for_the_next(tmp_path: Path) -> None:
    keep_seconds(tmp_path, "shop", "sqlite", {"shop.0001_initial": 1.23456})
    keep_seconds(tmp_path, "shop", "sqlite", {"shop.0002_more": 2.0})

    assert read_seconds(tmp_path, "shop", "sqlite") == {
        "shop.0001_initial": 1.235,
        "shop.0002_more": 2.0,
    }


@pytest.mark.parametrize("text", ["", "[1]", '{"a": "b"}', "{"])
def test_what_cannot_be_read_is_not_known(text: str, tmp_path: Path) -> None:
    keep_seconds(tmp_path, "shop", "sqlite", {"shop.0001_initial": 1.0})
    (file,) = (tmp_path / "builds").iterdir()
    file.write_text(text)

    assert read_seconds(tmp_path, "shop", "sqlite") == {}
