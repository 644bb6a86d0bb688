"""Summaries of templates are kept for as long as they are right."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

from ctest_containers.template.stored import StoredTemplate, forget
from ctest_containers.template.summaries import keep_summaries, read_summaries

STORED = StoredTemplate(
    source="localhost/ctest/shop/postgresql:abc",
    project="shop",
    group="postgresql",
    fingerprint="abc",
    created=1000.0,
    used=1000.0,
    size=1,
    depth=0,
    branch="",
    catalog="",
    databases=("test_shop",),
    own_image=True,
    inputs={},
)


def test_a_summary_that_was_kept_is_read(tmp_path: Path) -> None:
    assert read_summaries(tmp_path, STORED) is None

    keep_summaries(tmp_path, STORED, {"default": {"format": 1}})

    assert read_summaries(tmp_path, STORED) == {"default": {"format": 1}}


def test_a_template_that_was_built_again_has_no_summary(tmp_path: Path) -> None:
    keep_summaries(tmp_path, STORED, {"default": {}})

    assert read_summaries(tmp_path, replace(STORED, created=2000.0)) is None


def test_a_removed_template_takes_its_summary_with_it(tmp_path: Path) -> None:
    keep_summaries(tmp_path, STORED, {"default": {}})

    forget(tmp_path, STORED)

    assert not [*(tmp_path / "summaries").iterdir()]


def test_a_summary_that_is_no_longer_used_is_removed(tmp_path: Path) -> None:
    keep_summaries(tmp_path, STORED, {"default": {}})
    (file,) = (tmp_path / "summaries").iterdir()
    old = time.time() - 40 * 86400
    os.utime(file, (old, old))

    keep_summaries(tmp_path, replace(STORED, fingerprint="def"), {"default": {}})

    assert read_summaries(tmp_path, STORED) is None


def test_an_unreadable_summary_counts_as_none(tmp_path: Path) -> None:
    keep_summaries(tmp_path, STORED, {"default": {}})
    (file,) = (tmp_path / "summaries").iterdir()
    file.write_text("{")

    assert read_summaries(tmp_path, STORED) is None
