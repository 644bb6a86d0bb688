"""Generated projects end as under Django; `scripts/differential` compares more."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from harness.differential import Comparison, check
from harness.servers import Plain
from harness.tiers import further

MORE = [
    further("Fewer projects, and always the same, are compared always."),
    pytest.mark.timeout(1800),
]

SEED = 36
"""Always the same projects, so that a run fails for what has changed. Others each time: `--all`."""


@pytest.mark.parametrize(("projects", "is_new"), [(60, False), pytest.param(200, True, marks=MORE)])
@pytest.mark.usefixtures("sqlite_env")
def test_generated_projects_end_as_under_django(
    projects: int, tmp_path: Path, *, is_new: bool
) -> None:
    comparison = Comparison(tmp_path, {})

    check(comparison, examples=projects, seed_number=random.getrandbits(32) if is_new else SEED)

    assert comparison.count >= projects // 2


@pytest.mark.parametrize(("projects", "is_new"), [(15, False), pytest.param(100, True, marks=MORE)])
@pytest.mark.usefixtures("no_container_is_left")
def test_generated_projects_end_as_under_django_on_postgresql(
    projects: int, plain: Plain, tmp_path: Path, *, is_new: bool
) -> None:
    host = plain("postgresql")["OUTCOMES_DB_HOST"]
    comparison = Comparison(tmp_path, {"DIFFERENTIAL_DB_HOST": host})

    check(comparison, examples=projects, seed_number=random.getrandbits(32) if is_new else SEED)

    assert comparison.count >= projects // 2
