"""Sets variables for the later steps of a job on GitHub Actions.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote

from ctest_containers.errors import ServiceError, UsageError

FILES: Final = ("GITHUB_ENV", "GITHUB_OUTPUT")


def github_files() -> list[Path]:
    """Return the files that a runner reads after this step.

    Raises:
        UsageError: This is not a step of a job.
    """
    missing = [name for name in FILES if not os.environ.get(name)]
    if missing:
        raise UsageError(
            f"--github-env needs the variable {missing[0]}, which is not set.",
            "It is set in the steps of a job on GitHub Actions. Use --env-file FILE elsewhere.",
        )
    return [Path(os.environ[name]) for name in FILES]


def append_variables(files: Iterable[Path], variables: Mapping[str, str]) -> None:
    """Set variables for later steps, as environment variables and as outputs of this step.

    Raises:
        ServiceError: A file cannot be written.
    """
    text = "".join(_entry(name, value) for name, value in variables.items())
    for file in files:
        try:
            with file.open("a", encoding="utf-8", newline="\n") as out:
                out.write(text)
        except OSError as error:
            raise ServiceError(f"GitHub's file {file} cannot be written: {error}.") from error


def masks(passwords: Iterable[str]) -> Iterator[str]:
    """Yield the lines that make the job's log hide passwords from then on."""
    for password in dict.fromkeys(passwords):
        if password:
            for shown in dict.fromkeys((password, quote(password, safe=""))):
                escaped = shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
                yield f"::add-mask::{escaped}"


def _entry(name: str, value: str) -> str:
    # Random, so that no value can end its entry and begin another.
    end = f"ctest_{secrets.token_hex(16)}"
    return f"{name}<<{end}\n{value}\n{end}\n"
