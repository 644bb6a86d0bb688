"""Templates are given up when they are too many, too old or too large, and never while in use."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from ctest_containers.engine import labels
from ctest_containers.engine.values import ImageFacts
from ctest_containers.template.stored import (
    IN_USE_SECONDS,
    SQLITE_FACTS,
    StoredTemplate,
    age,
    forget,
    from_files,
    from_images,
    note_use,
    to_prune,
)

NOW = 1_000_000_000.0
DAY = 24 * 3600.0
MEBIBYTE = 2**20


def kept(
    name: str, days_ago: float, *, megabytes: int = 1, project: str = "shop"
) -> StoredTemplate:
    return StoredTemplate(
        source=f"{labels.NAMESPACE}/{project}/postgresql:{name}",
        project=project,
        group="postgresql",
        fingerprint=name,
        created=NOW - 100 * DAY,
        used=NOW - days_ago * DAY,
        size=megabytes * MEBIBYTE,
        depth=0,
        branch="",
        catalog="",
        databases=(),
        own_image=True,
        inputs={},
    )


def pruned(templates: list[StoredTemplate], **limits: float) -> list[str]:
    found = to_prune(templates, now=NOW, **limits)  # type: ignore[arg-type]
    return [one.fingerprint for one, _ in found]


def image(name: str, found: dict[str, str]) -> ImageFacts:
    return ImageFacts(name=name, id="sha256:1", labels=found, created=NOW, own_size=7)


def test_those_used_last_stay_when_there_are_too_many() -> None:
    templates = [kept("a", 3), kept("b", 1), kept("c", 2)]

    assert pruned(templates, count=2) == ["a"]


def test_layers_are_counted_beside_templates_and_spared_for_minutes_only() -> None:
    minutes = 1 / 24 / 60
    layers = [kept(f"layer-{number}", number * 11 * minutes) for number in range(4)]

    assert pruned([*layers, kept("a", 1), kept("b", 2)], layers=2, count=2) == [
        "layer-3",
        "layer-2",
    ]
    assert pruned(layers, layers=1) == ["layer-3", "layer-2", "layer-1"]
    assert pruned([kept("layer-5", minutes), *layers], layers=0)[-1] == "layer-1"


def test_what_nobody_uses_is_given_up_after_some_days() -> None:
    assert pruned([kept("new", 29), kept("old", 31)], days=30) == ["old"]


def test_those_used_least_recently_go_when_all_together_are_too_large() -> None:
    templates = [kept("a", 1, megabytes=60), kept("b", 2, megabytes=60), kept("c", 3, megabytes=30)]

    assert pruned(templates, max_bytes=100 * MEBIBYTE) == ["b"]


def test_each_project_and_each_database_counts_for_itself() -> None:
    other = replace(kept("m", 3), group="mysql")
    templates = [kept("a", 1), kept("b", 2, project="other"), other]

    assert pruned(templates, count=1) == []


def test_what_was_used_within_the_hour_stays_whatever_the_limits_are() -> None:
    recent = kept("recent", IN_USE_SECONDS / DAY * 0.9)

    assert pruned([kept("a", 0.0), kept("b", 0.0), recent], count=1, max_bytes=1) == []


def test_the_reason_is_told() -> None:
    ((_, reason),) = to_prune([kept("a", 45)], now=NOW)

    assert reason == "not used for 45 days"


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("somebody/shop/postgresql:abc", {}),
        (f"{labels.NAMESPACE}/shop/postgresql:latest", {}),
        (f"{labels.NAMESPACE}/shop/postgresql:abc", {labels.ROLE: ""}),
        (f"{labels.NAMESPACE}/shop/postgresql:abc", {labels.FINGERPRINT: "other"}),
    ],
)
def test_images_that_are_not_ours_or_not_complete_are_no_templates(
    name: str, changed: dict[str, str], tmp_path: Path
) -> None:
    found = {labels.ROLE: "template", labels.FINGERPRINT: "abc", **changed}

    assert list(from_images([image(name, found)], tmp_path)) == []


def test_a_template_is_read_from_its_images_labels(tmp_path: Path) -> None:
    found = {
        labels.ROLE: "template",
        labels.FINGERPRINT: "abc",
        labels.DEPTH: "2",
        labels.BRANCH: "main",
        labels.CATALOG: "c" * 64,
        labels.DATABASES: '["test_shop"]',
        labels.OWN_IMAGE: "yes",
        labels.INPUTS: '{"Django": "5"}',
    }

    (one,) = from_images([image(f"{labels.NAMESPACE}/shop/postgresql-2:abc", found)], tmp_path)

    assert (one.project, one.group, one.vendor) == ("shop", "postgresql-2", "postgresql")
    assert (one.depth, one.branch, one.databases, one.size) == (2, "main", ("test_shop",), 7)
    assert one.inputs == {"Django": "5"}
    assert one.own_image


def test_using_a_template_makes_it_young_again(tmp_path: Path) -> None:
    found = {labels.ROLE: "template", labels.FINGERPRINT: "abc"}
    facts = replace(image(f"{labels.NAMESPACE}/my-shop/postgresql:abc", found), created=0.0)

    (before,) = from_images([facts], tmp_path)
    note_use(tmp_path, "My Shop", "postgresql", "abc")
    (after,) = from_images([facts], tmp_path)

    assert before.used == 0.0
    assert after.used > NOW


def sqlite_template(cache: Path, fingerprint: str = "abc") -> Path:
    folder = cache / "sqlite" / "shop" / fingerprint
    folder.mkdir(parents=True)
    facts = {
        "project": "shop",
        "fingerprint": "abc",
        "group": "sqlite",
        "databases": ["default"],
        "branch": "main",
        "key": "abc",
        "inputs": {},
        "manifest": "{}",
        "depth": 0,
        "catalog": "c",
    }
    (folder / SQLITE_FACTS).write_text(json.dumps(facts))
    (folder / "database.sqlite3").write_bytes(b"x" * 1000)
    return folder


def test_sqlite_templates_are_found_in_the_cache_folder(tmp_path: Path) -> None:
    folder = sqlite_template(tmp_path)

    (one,) = from_files(tmp_path)

    assert (one.source, one.name, one.branch) == (str(folder), "shop/sqlite:abc", "main")
    assert one.size > 1000


def test_a_folder_that_is_called_otherwise_than_it_says_is_no_template(tmp_path: Path) -> None:
    sqlite_template(tmp_path, "other")

    assert list(from_files(tmp_path)) == []


@pytest.mark.parametrize("content", ["", "[]", '{"project": "shop"}', "\x00"])
def test_a_folder_whose_facts_cannot_be_read_is_no_template(tmp_path: Path, content: str) -> None:
    folder = sqlite_template(tmp_path)
    (folder / SQLITE_FACTS).write_text(content)

    assert list(from_files(tmp_path)) == []


def test_a_template_of_files_is_removed_with_its_note(tmp_path: Path) -> None:
    folder = sqlite_template(tmp_path)
    note_use(tmp_path, "shop", "sqlite", "abc")
    (one,) = from_files(tmp_path)

    forget(tmp_path, one)

    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []
    assert list((tmp_path / "used").iterdir()) == []


@pytest.mark.parametrize(
    ("seconds", "words"), [(3, "3.00 s"), (90, "1 min 30 s"), (7300, "2 h"), (3 * DAY, "3 days")]
)
def test_ages_are_told_in_the_unit_that_people_would_use(seconds: float, words: str) -> None:
    assert age(NOW - seconds, NOW) == words


def test_the_notes_of_templates_have_the_times_of_their_files(tmp_path: Path) -> None:
    sqlite_template(tmp_path)
    note_use(tmp_path, "shop", "sqlite", "abc")
    (note,) = (tmp_path / "used").iterdir()
    os.utime(note, (4e9, 4e9))

    (one,) = from_files(tmp_path)

    assert one.used == 4e9
