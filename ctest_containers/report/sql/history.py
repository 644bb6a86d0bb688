"""Finds the runs of a project whose SQL is stored."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from ctest_containers.errors import UsageError
from ctest_containers.history import History
from ctest_containers.history.store import SQL_SUFFIX, run_of, sql_beside
from ctest_containers.report.sql.file import read, read_header
from ctest_containers.report.sql.record import SqlRecord
from ctest_containers.text import listing

SHOWN = 8
"""How many runs an error message lists."""


def sql_of_run(history: History, run: str = "") -> SqlRecord:
    """The SQL of a run by its ID, a prefix of it, or its file; by default, of the last with SQL.

    Raises:
        UsageError: There is none.
    """
    if run.endswith(SQL_SUFFIX) and Path(run).is_file():
        return read(Path(run))
    stored = _stored(history)
    if not run and stored:
        return read(stored[-1])
    # Sessions of pytest have no log.
    matching = [file for file in stored if run and _run_of(file).startswith(run)]
    if len(matching) == 1:
        return read(matching[0])
    log = history.find(run)
    if not sql_beside(log).is_file():
        raise UsageError(f"The SQL of run {run_of(log)} was not recorded.", _hint(stored))
    return read(sql_beside(log))


def sql_before(
    history: History, against: str, run: str, commit_of: Callable[[str], str]
) -> SqlRecord:
    """The SQL that a run is compared with.

    Args:
        against: The ID of a run or its file, or a commit or branch, of which it is the last run:
            of a branch, the last run at its commit, or else the last one on it.
        run: The ID of the run that is compared, which is not compared with itself.
        commit_of: Returns the commit that a name of Git stands for; empty if it knows none.

    Raises:
        UsageError: There is none.
    """
    if against.endswith(SQL_SUFFIX) and Path(against).is_file():
        return read(Path(against))
    stored = _stored(history)
    matching = [file for file in stored if _run_of(file).startswith(against)]
    if len(matching) == 1:
        return read(matching[0])
    revision = commit_of(against)
    is_commit = re.fullmatch(r"[0-9a-f]{7,}", against) is not None
    of_branch = None
    for file in reversed(stored):
        header = read_header(file)
        is_at = header["revision"] == revision if revision else False
        if header["run"] == run:
            continue
        if is_at or (is_commit and header["revision"].startswith(against)):
            return read(file)
        if header["branch"] == against and of_branch is None:
            of_branch = file
    if of_branch is not None:
        return read(of_branch)
    of = f" at commit {revision[:9]}" if revision else ""
    raise UsageError(f"No run{of} whose SQL was recorded matches {against!r}.", _hint(stored))


def _stored(history: History) -> list[Path]:
    """The files with SQL, the latest last."""
    return sorted(history.folder.glob(f"*{SQL_SUFFIX}"))


def _run_of(file: Path) -> str:
    return run_of(file.with_name(file.name.removesuffix(SQL_SUFFIX) + ".jsonl"))


def _hint(stored: list[Path]) -> str:
    if not stored:
        return "Run the tests with --record first."
    runs = []
    for file in reversed(stored[-SHOWN:]):
        header = read_header(file)
        where = " ".join(filter(None, (header["branch"], header["revision"][:9])))
        runs.append(f"{header['run']} ({where or 'no commit'})")
    return f"Runs whose SQL was recorded, the last first: {listing(runs, SHOWN)}."
