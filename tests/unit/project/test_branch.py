"""The branch that a template was built on is found without running Git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ctest_containers.project.branch import VARIABLES, current_branch


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.org")
    subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "feature/tax")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_the_branch_of_a_checkout_is_found_from_any_folder_in_it(checkout: Path) -> None:
    (checkout / "deep" / "down").mkdir(parents=True)

    assert current_branch(checkout / "deep" / "down") == "feature/tax"


def test_a_work_tree_has_a_branch_of_its_own(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "worktree", "add", "-q", "-b", "other", str(tmp_path / "tree"))

    assert current_branch(tmp_path / "tree") == "other"


def test_a_commit_that_is_checked_out_has_no_branch(checkout: Path) -> None:
    git(checkout, "checkout", "-q", "--detach")

    assert current_branch(checkout) == ""


def test_a_ci_system_says_what_its_checkout_does_not(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_HEAD_REF", "")
    monkeypatch.setenv("GITHUB_REF_NAME", "main")

    assert current_branch(checkout) == "main"


def test_a_folder_without_a_checkout_has_no_branch(tmp_path: Path) -> None:
    assert current_branch(tmp_path) == ""
