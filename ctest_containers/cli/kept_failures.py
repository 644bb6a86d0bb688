"""Finds the kept failure that a command is about."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from ctest_containers.config import project_meant
from ctest_containers.errors import CtestError, UsageError
from ctest_containers.failures.model import label_of
from ctest_containers.failures.store import FailureStore, Stored, is_name_of

SEARCHED_RUNS: Final = 20
"""How many event logs are searched for a failure that is no longer kept."""


def find_failure(project: str | None, test: str) -> Stored:
    """Return a kept failure; see `FailureStore.find`.

    Args:
        project: The option --project.

    Raises:
        UsageError: It is not kept, or several tests match. If a run has recorded it, the error
            names that run, and how to repeat it.
    """
    name = project_meant(project)
    store = FailureStore.of(name)
    if test and not store.matching(test):
        for failed, run in _failed_tests(name):
            if is_name_of(failed, test):
                raise UsageError(
                    f"The databases of {failed}, which failed in run {run}, are not kept.",
                    "Repeat the failure: python -m ctest_containers run "
                    f"{label_of(failed)} --keep-failed",
                )
    return store.find(test)


def read_file(file: Path, undo: ExitStack) -> Stored:
    """Return the failure in a file of --keep-failed-dir.

    Args:
        undo: Removes the folder into which the file is unpacked.

    Raises:
        UsageError: The file cannot be read.
    """
    from ctest_containers.engine.folders import make_run_folder, remove_folder
    from ctest_containers.failures.portable import read

    # If this process is killed, the next run removes the folder.
    folder = make_run_folder(secrets.token_hex(4))
    undo.callback(remove_folder, folder)
    contents = folder / "failure"
    contents.mkdir()
    return read(file, contents)


def _failed_tests(project: str) -> Iterator[tuple[str, str]]:
    """Yield the tests that have failed in recent runs, the latest first, each with its run."""
    from ctest_containers.history import History
    from ctest_containers.history.store import read, run_of
    from ctest_containers.report.recording import record_of

    for log in reversed(History.of(project).logs()[-SEARCHED_RUNS:]):
        with suppress(CtestError):
            for test in record_of(read(log)).tests.values():
                if test.status.is_bad:
                    yield test.place.test_id, run_of(log)
