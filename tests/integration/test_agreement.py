"""The promise: the same ids and the same outcomes as a serial run of Django's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.projects import PROJECTS, Finished, assert_agree, django, toolkit

SHOP = PROJECTS / "shop"
OUTCOMES = PROJECTS / "outcomes"


@pytest.fixture(scope="module")
def truths() -> dict[str, Finished]:
    """Django's own serial results, each made once."""
    return {}


def truth(
    truths: dict[str, Finished], key: str, project: Path, env: dict[str, str], record: Path
) -> Finished:
    """What Django reports, run serially."""
    if key not in truths:
        truths[key] = django(project, env=env, record=record)
    return truths[key]


@pytest.mark.parametrize("workers", ["1", "2", "4"])
@pytest.mark.parametrize("project", [SHOP, OUTCOMES], ids=["shop", "outcomes"])
def test_a_project_on_sqlite_ends_as_under_django(
    project: Path,
    workers: str,
    truths: dict[str, Finished],
    sqlite_env: dict[str, str],
    tmp_path: Path,
) -> None:
    expected = truth(truths, f"{project.name} sqlite", project, sqlite_env, tmp_path / "truth")

    actual = toolkit(project, "--parallel", workers, env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.parametrize("workers", ["1", "2", "4"])
@pytest.mark.parametrize("project", [SHOP, OUTCOMES], ids=["shop", "outcomes"])
@pytest.mark.usefixtures("no_container_is_left")
def test_a_project_on_postgresql_ends_as_under_django(
    project: Path,
    workers: str,
    truths: dict[str, Finished],
    postgresql_env: dict[str, str],
    plain_postgresql: dict[str, str],
    tmp_path: Path,
) -> None:
    reachable = {**postgresql_env, **plain_postgresql}
    expected = truth(truths, f"{project.name} postgresql", project, reachable, tmp_path / "truth")

    actual = toolkit(project, "--parallel", workers, env=postgresql_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


@pytest.mark.ports
@pytest.mark.parametrize(
    "options",
    [
        ["--start-method", "spawn"],
        ["--transport", "port"],
        ["--start-method", "spawn", "--transport", "port"],
    ],
    ids=["spawn", "port", "spawn and port"],
)
@pytest.mark.usefixtures("no_container_is_left")
def test_spawned_workers_and_published_ports_change_no_outcome(
    options: list[str],
    truths: dict[str, Finished],
    postgresql_env: dict[str, str],
    plain_postgresql: dict[str, str],
    tmp_path: Path,
) -> None:
    reachable = {**postgresql_env, **plain_postgresql}
    expected = truth(truths, "outcomes postgresql", OUTCOMES, reachable, tmp_path / "truth")

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
    expected = django(OUTCOMES, *options, env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, *options, env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)


def test_errors_around_a_test_are_reported_with_buffer_as_without(
    sqlite_env: dict[str, str], tmp_path: Path
) -> None:
    label = "library.test_around"
    expected = django(OUTCOMES, label, env=sqlite_env, record=tmp_path / "truth")

    actual = toolkit(OUTCOMES, label, "--buffer", env=sqlite_env, record=tmp_path / "ours")

    assert_agree(expected, actual)
