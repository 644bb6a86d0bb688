"""The promise: the same ids and the same outcomes as a serial run of Django's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.projects import PROJECTS, assert_agree, django, toolkit
from harness.tiers import further
from harness.truths import truth

OUTCOMES = PROJECTS / "outcomes"

# Forks of a process that has loaded everything save time; a start of its own is what people do.
ALONE = further("A run with both differs if one of them does.")

RUNS = pytest.mark.parametrize(("workers", "forked"), [("1", True), ("2", False), ("4", True)])


@RUNS
def test_a_project_on_sqlite_ends_as_under_django(
    workers: str, *, forked: bool, sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    expected = truth(OUTCOMES, env=sqlite_env, record=tmp_path / "truth")

    options, record = ("--parallel", workers), tmp_path / "ours"
    actual = toolkit(OUTCOMES, *options, env=sqlite_env, record=record, forked=forked)

    assert_agree(expected, actual)


@RUNS
@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_on_postgresql_ends_as_under_django(
    workers: str,
    *,
    forked: bool,
    postgresql_env: dict[str, str],
    plain_postgresql: dict[str, str],
    tmp_path: Path,
) -> None:
    reachable = {**postgresql_env, **plain_postgresql}
    expected = truth(OUTCOMES, env=reachable, record=tmp_path / "truth")

    options, record = ("--parallel", workers), tmp_path / "ours"
    actual = toolkit(OUTCOMES, *options, env=postgresql_env, record=record, forked=forked)

    assert_agree(expected, actual)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(["--start-method", "spawn"], marks=ALONE),
        pytest.param(["--transport", "port"], marks=ALONE),
        ["--start-method", "spawn", "--transport", "port"],
    ],
    ids=["spawn", "port", "spawn and port"],
)
@pytest.mark.usefixtures("no_container_is_left")
def test_spawned_workers_and_published_ports_change_no_outcome(
    options: list[str],
    postgresql_env: dict[str, str],
    plain_postgresql: dict[str, str],
    tmp_path: Path,
) -> None:
    reachable = {**postgresql_env, **plain_postgresql}
    expected = truth(OUTCOMES, env=reachable, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, *options, env=postgresql_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.parametrize(
    "options",
    [
        # An error before a test starts, or after it has stopped, ends Django's own run with
        # --buffer: unittest asks the real standard output for what it has captured.
        ["--buffer", "--exclude-tag=around"],
        ["--reverse"],
        ["--shuffle", "7"],
        ["--debug-sql"],
        ["--debug-mode"],
    ],
    ids=lambda options: options[0],
)
def test_an_option_of_django_changes_outcomes_as_it_does_there(
    options: list[str], sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    expected = truth(OUTCOMES, *options, env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, *options, env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


def test_errors_around_a_test_are_reported_with_buffer_as_without(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    label = "library.test_around"
    expected = truth(OUTCOMES, label, env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, label, "--buffer", env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


def test_a_truth_that_is_kept_is_what_django_reports_today(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    kept = truth(OUTCOMES, env=sqlite_env, record=tmp_path / "kept")

    today = django(OUTCOMES, env=sqlite_env, record=tmp_path / "today")

    assert_agree(today, kept)
