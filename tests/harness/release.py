"""Makes a release: sets the version, moves the changelog's section, commits and tags.

The release workflow checks with `--check` that tag, version and changelog agree, and takes the text
of the release on GitHub from `--notes`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

VERSION: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
VERSION_LINE: Final = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
UNRELEASED: Final = "## [Unreleased]\n"


class ReleaseError(Exception):
    """Why there is no release."""


def main(arguments: list[str] | None = None, root: Path | None = None) -> int:
    """Do what the command line asks, and return the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/release", description=__doc__)
    parser.add_argument("version", help="such as 0.2.0; with --check, the tag")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--check", action="store_true", help="only check that a tag agrees")
    action.add_argument("--notes", action="store_true", help="only print the changelog's section")
    options = parser.parse_args(arguments)
    root = root or Path(__file__).resolve().parents[2]
    try:
        if options.check:
            check(root, options.version)
        elif options.notes:
            print(section(_changelog(root).read_text(), options.version.removeprefix("v")))
        else:
            release(root, options.version)
            print(f"Tagged v{options.version}. Publish it: git push --follow-tags")
    except ReleaseError as error:
        print(f"scripts/release: {error}", file=sys.stderr)
        return 1
    return 0


def release(root: Path, version: str) -> None:
    """Set the version, give the unreleased changes its name, commit and tag.

    Raises:
        ReleaseError: The version is not a later one, nothing has changed, or the tree is dirty.
    """
    numbers, current = _numbers(version), _numbers(version_of(root))
    if _git(root, "status", "--porcelain"):
        raise ReleaseError("The working tree has uncommitted changes. Commit or stash them first.")
    if f"v{version}" in _git(root, "tag", "--list").split():
        raise ReleaseError(f"The tag v{version} exists already.")
    # The first version is in the file before it is released.
    if numbers < current or (numbers == current and _git(root, "tag", "--list", "v*")):
        raise ReleaseError(f"{version} is not later than {version_of(root)}.")
    today = dt.datetime.now(tz=dt.timezone.utc).date()
    changelog = with_section(_changelog(root).read_text(), version, today)
    _changelog(root).write_text(changelog)
    file = _version_file(root)
    file.write_text(VERSION_LINE.sub(f'__version__ = "{version}"', file.read_text()))
    _git(root, "commit", "--all", "--quiet", "--message", f"Version {version}")
    _git(root, "tag", "--annotate", f"v{version}", "--message", f"Version {version}")


def check(root: Path, tag: str) -> None:
    """Check that a tag, the version of the package and the changelog agree.

    Raises:
        ReleaseError: They do not.
    """
    if tag != f"v{version_of(root)}":
        raise ReleaseError(f"The tag is {tag}, but the package has version {version_of(root)}.")
    section(_changelog(root).read_text(), version_of(root))


def section(changelog: str, version: str) -> str:
    """What the changelog says of a version, without its heading.

    Raises:
        ReleaseError: It has no section for the version, or an empty one.
    """
    heading = rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)"
    match = re.search(heading, changelog, re.MULTILINE | re.DOTALL)
    if match is None or not match[1].strip():
        raise ReleaseError(f"CHANGELOG.md has no section `## [{version}] - YYYY-MM-DD`.")
    return match[1].strip()


def with_section(changelog: str, version: str, date: dt.date) -> str:
    """The changelog with the unreleased changes in the section of a version.

    Raises:
        ReleaseError: There are no unreleased changes.
    """
    before, heading, rest = changelog.partition(UNRELEASED)
    if not heading or not rest.partition("\n## ")[0].strip():
        raise ReleaseError("CHANGELOG.md lists no changes under `## [Unreleased]`.")
    return f"{before}{UNRELEASED}\n## [{version}] - {date:%Y-%m-%d}\n{rest}"


def version_of(root: Path) -> str:
    """The version of the package, which the build reads from the same file."""
    match = VERSION_LINE.search(_version_file(root).read_text())
    assert match is not None
    return match[1]


def _numbers(version: str) -> tuple[int, ...]:
    match = VERSION.fullmatch(version)
    if match is None:
        raise ReleaseError(f"{version!r} is not a version such as 0.2.0.")
    return tuple(map(int, match.groups()))


def _changelog(root: Path) -> Path:
    return root / "CHANGELOG.md"


def _version_file(root: Path) -> Path:
    return root / "ctest_containers" / "version.py"


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


if __name__ == "__main__":
    sys.exit(main())
