"""`scripts/release` sets a version everywhere, or changes nothing."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest
from harness import release

ROOT = Path(__file__).resolve().parents[2]

CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-01-02

### Added

- The first thing.
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository that has released 0.1.0."""
    (tmp_path / "ctest_containers").mkdir()
    (tmp_path / "ctest_containers" / "version.py").write_text(
        '"""Its version."""\n\n__version__ = "0.1.0"\n'
    )
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    _git(tmp_path, "init", "--quiet")
    _git(tmp_path, "config", "user.name", "Ada")
    _git(tmp_path, "config", "user.email", "ada@example.com")
    _git(tmp_path, "add", "--all")
    _git(tmp_path, "commit", "--quiet", "--message", "Start")
    _git(tmp_path, "tag", "v0.1.0")
    return tmp_path


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_release_has_a_version_a_section_a_commit_and_a_tag(checkout: Path) -> None:
    assert release.main(["0.2.0"], checkout) == 0

    today = dt.datetime.now(tz=dt.timezone.utc).date()
    assert release.version_of(checkout) == "0.2.0"
    changelog = (checkout / "CHANGELOG.md").read_text()
    assert f"## [Unreleased]\n\n## [0.2.0] - {today}\n\n### Added\n\n- A thing.\n" in changelog
    assert _git(checkout, "log", "-1", "--format=%s").strip() == "Version 0.2.0"
    assert _git(checkout, "describe").strip() == "v0.2.0"
    assert _git(checkout, "status", "--porcelain") == ""
    release.check(checkout, "v0.2.0")


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("0.1.0", "The tag v0.1.0 exists already"),
        ("0.0.9", "0.0.9 is not later than 0.1.0"),
        ("v0.2.0", "'v0.2.0' is not a version"),
        ("0.2", "'0.2' is not a version"),
        ("0.2.0rc1", "'0.2.0rc1' is not a version"),
    ],
)
def test_a_version_that_is_not_a_later_one_is_refused(
    checkout: Path, version: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main([version], checkout) == 1

    assert reason in capsys.readouterr().err
    assert _git(checkout, "status", "--porcelain") == ""


def test_a_dirty_tree_is_refused(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (checkout / "new").touch()

    assert release.main(["0.2.0"], checkout) == 1

    assert "uncommitted changes" in capsys.readouterr().err
    assert release.version_of(checkout) == "0.1.0"


def test_a_release_without_changes_is_refused(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release.main(["0.2.0"], checkout)

    assert release.main(["0.3.0"], checkout) == 1

    assert "lists no changes under `## [Unreleased]`" in capsys.readouterr().err


def test_the_first_version_is_released_as_it_is_in_the_file(checkout: Path) -> None:
    _git(checkout, "tag", "--delete", "v0.1.0")

    assert release.main(["0.1.0"], checkout) == 0


@pytest.mark.parametrize(
    ("tag", "reason"),
    [("v0.2.0", "The tag is v0.2.0, but the package has version 0.1.0"), ("0.1.0", "The tag is")],
)
def test_a_tag_that_is_not_the_version_is_refused(
    checkout: Path, tag: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(["--check", tag], checkout) == 1

    assert reason in capsys.readouterr().err


def test_a_tag_without_a_section_in_the_changelog_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")

    with pytest.raises(release.ReleaseError, match="no section"):
        release.check(checkout, "v0.1.0")


def test_the_notes_of_a_release_are_its_section_alone(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert release.main(["--notes", "v0.1.0"], checkout) == 0

    assert capsys.readouterr().out == "### Added\n\n- The first thing.\n"


def test_the_script_runs_as_the_workflow_calls_it() -> None:
    done = subprocess.run(
        [ROOT / "scripts" / "release", "--check", "v0.0.0"],
        env={"PATH": os.environ["PATH"], "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "The tag is v0.0.0, but" in done.stderr
