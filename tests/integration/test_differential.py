"""Generated projects end as under Django; `scripts/differential` compares more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from harness.differential import Comparison, check
from harness.servers import Plain
from harness.tiers import further

MORE = further("Fewer projects, and others each time, are tried always.")


@pytest.mark.parametrize("projects", [60, pytest.param(200, marks=MORE)])
@pytest.mark.usefixtures("sqlite_env")
def test_generated_projects_end_as_under_django(projects: int, tmp_path: Path) -> None:
    comparison = Comparison(tmp_path, {})

    # A new seed in each run; --randomly-seed repeats one.
    check(comparison, examples=projects, seed_number=random.getrandbits(32))

    assert comparison.count >= projects // 2


@pytest.mark.parametrize("projects", [15, pytest.param(100, marks=MORE)])
@pytest.mark.usefixtures("no_container_is_left")
def test_generated_projects_end_as_under_django_on_postgresql(
    projects: int, plain: Plain, tmp_path: Path
) -> None:
    host = plain("postgresql")["OUTCOMES_DB_HOST"]
    comparison = Comparison(tmp_path, {"DIFFERENTIAL_DB_HOST": host})

    check(comparison, examples=projects, seed_number=random.getrandbits(32))

    assert comparison.count >= projects // 2
