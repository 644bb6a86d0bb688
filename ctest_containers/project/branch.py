"""Finds the branch and the commit that are checked out."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

VARIABLES: Final = ("GITHUB_HEAD_REF", "GITHUB_REF_NAME", "CI_COMMIT_REF_NAME")
"""Variables of CI systems, which check out a commit; the first that is not empty counts."""

HEAD: Final = "ref: refs/heads/"


def current_branch(folder: Path) -> str:
    """The branch of the checkout that a folder is in; empty if there is none.

    See https://git-scm.com/docs/gitrepository-layout for the file that names it.
    """
    for variable in VARIABLES:
        if named := os.environ.get(variable):
            return named
    _, head = _head(folder)
    return head.removeprefix(HEAD) if head.startswith(HEAD) else ""


def current_revision(folder: Path) -> str:
    """The commit that is checked out where a folder is; empty if there is none."""
    git, head = _head(folder)
    if not head.startswith(HEAD):
        return head
    reference = head.removeprefix("ref: ")
    with suppress(OSError, UnicodeDecodeError):
        common = git / "commondir"
        if common.is_file():
            # A worktree; its branches are those of the whole repository.
            git = git / common.read_text().strip()
        loose = git / reference
        if loose.is_file():
            return loose.read_text().strip()
        for line in (git / "packed-refs").read_text().splitlines():
            commit, _, name = line.partition(" ")
            if name == reference:
                return commit
    return ""


def _head(folder: Path) -> tuple[Path, str]:
    """The Git folder of a checkout and the contents of its HEAD; empty if there is none."""
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        with suppress(OSError, UnicodeDecodeError):
            if git.is_file():
                git = parent / git.read_text().removeprefix("gitdir:").strip()
            if git.is_dir():
                return git, (git / "HEAD").read_text().strip()
    return folder, ""
