"""What Django's own serial runs report, kept from one run of the tests to the next.

A truth is kept under a digest of all that it depends on: the project's files, the options and
variables, Python, Django, the drivers, the recipes of the servers, and what records it. A fresh
clone has none and finds each of them out once.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from filelock import FileLock

from harness.projects import TESTS, Finished, django

ROOT: Final = TESTS.parent
FOLDER: Final = ROOT / ".pytest_cache" / "truths"

PACKAGES: Final = (
    *("Django", "mysql-connector-python", "mysqlclient", "psycopg", "psycopg2-binary", "PyMySQL"),
    "tblib",
)
"""What takes part in a serial run, and may say something else in another version."""

ELSEWHERE: Final = ("_HOST", "_PORT")
"""How variables end that say where a server is, and nothing of what it is."""

ALWAYS: Final = ("OUTCOMES_", "SHOP_", "DEPOT_", "DJANGO_", "PYTHON", "LANG", "LC_", "TZ")
"""How variables begin that count even where the tests themselves were started with them."""

OWN: Final = ("XDG_CACHE_HOME", "PYTEST_CURRENT_TEST", "TMPDIR")
"""Variables that each test, or each run of the tests, has for itself."""

HERE: Final = "<the project's folder>"


def truth(project: Path, *arguments: str, env: Mapping[str, str], record: Path) -> Finished:
    """What `harness.projects.django` gives for the same, found out once."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / f"{_digest(project, arguments, env)}.json"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            fresh = django(project, *arguments, env=env, record=record)
            text = json.dumps(asdict(fresh), indent=1).replace(str(project), HERE)
            kept.with_suffix(".new").write_text(text)
            kept.with_suffix(".new").replace(kept)
    found = json.loads(kept.read_text().replace(HERE, str(project)))
    outcomes = [(test, kind, words) for test, kind, words in found.pop("outcomes")]
    return Finished(**found, outcomes=outcomes)


def _digest(project: Path, arguments: tuple[str, ...], env: Mapping[str, str]) -> str:
    names = {
        name: value.replace(str(project.parent), "")
        for name, value in env.items()
        if (os.environ.get(name) != value or name.startswith(ALWAYS))
        and name not in OWN
        and not name.endswith(ELSEWHERE)
    }
    inputs = [project.name, arguments, sorted(names.items()), _machine(), _files(project)]
    return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()[:32]


@functools.cache
def _machine() -> list[object]:
    """What all truths of a process depend on."""
    recipes = _files(ROOT / "images")
    recorder = Path(__file__).with_name("recording.py").read_text()
    python = [sys.version, platform.machine(), sys.prefix, sqlite3.sqlite_version]
    python += [field.name for field in fields(Finished)]
    return [python, [*map(_version, PACKAGES)], recipes, recorder]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _files(folder: Path) -> list[tuple[str, str]]:
    """The files of a folder, and digests of what is in them."""
    return [
        (file.relative_to(folder).as_posix(), hashlib.sha256(file.read_bytes()).hexdigest())
        for file in sorted(_sources(folder))
    ]


def _sources(folder: Path) -> Iterator[Path]:
    for file in folder.rglob("*"):
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".sqlite3":
            yield file
