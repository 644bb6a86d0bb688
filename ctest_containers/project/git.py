"""Asks Git about the project's repository."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path


def git(folder: Path, *arguments: str) -> bytes | None:
    """Return what a command of Git prints; None if it fails, or if this is no repository.

    Args:
        folder: The folder in which it runs.
    """
    program = shutil.which("git")
    if program is None or not any(
        (parent / ".git").exists() for parent in (folder, *folder.parents)
    ):
        return None
    answer = subprocess.run(
        [program, "-C", str(folder), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    return answer.stdout if answer.returncode == 0 else None


def listed_names(listed: bytes | None) -> list[str]:
    """Return the names of files that Git has printed with `-z`."""
    return [name for name in os.fsdecode(listed or b"").split("\0") if name]


def commit_of(folder: Path, name: str) -> str:
    """Return the commit that a name such as `HEAD~1` stands for; empty if there is none."""
    commit = git(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )
    return (commit or b"").decode().strip()
