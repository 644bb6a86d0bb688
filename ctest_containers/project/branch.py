"""Finds the branch that is checked out, for lists of templates."""

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
    for parent in (folder, *folder.parents):
        git = parent / ".git"
        with suppress(OSError, UnicodeDecodeError):
            if git.is_file():
                git = parent / git.read_text().removeprefix("gitdir:").strip()
            if git.is_dir():
                head = (git / "HEAD").read_text().strip()
                return head.removeprefix(HEAD) if head.startswith(HEAD) else ""
    return ""
