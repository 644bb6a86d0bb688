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
from ctest_containers.failures.portable import SUFFIX, read
from ctest_containers.failures.store import FailureStore, Stored, is_name_of

SEARCHED_RUNS: Final = 20
"""How many event logs are searched for a failure that is no longer kept."""


def chosen_failure(project: str | None, test: str, undo: ExitStack) -> Stored:
    """Return the failure that a test or a file names.

    Args:
        project: The option --project.
        undo: Removes the folder into which a file is unpacked.

    Raises:
        UsageError: There is none, or a file cannot be read.
    """
    file = Path(test)
    if file.is_file():
        return _read(file, undo)
    if file.suffix == SUFFIX:
        raise UsageError(f"The file {file} does not exist.")
    return _find(project, test)


def _find(project: str | None, test: str) -> Stored:
    """Return a kept failure; see `FailureStore.find`.

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


def _read(file: Path, undo: ExitStack) -> Stored:
    from ctest_containers.engine.folders import make_run_folder, remove_folder

    # If this process is killed, the next run removes the folder.
    folder = make_run_folder(secrets.token_hex(4))
    undo.callback(remove_folder, folder)
    contents = folder / "failure"
    contents.mkdir()
    return read(file, contents)


def _failed_tests(project: str) -> Iterator[tuple[str, str]]:
    """Yield the tests that have failed in recent runs, the latest first, each with its run."""
    from ctest_containers.history import History, store
    from ctest_containers.report.recording import record_of

    for log in reversed(History.of(project).logs()[-SEARCHED_RUNS:]):
        with suppress(CtestError):
            for test in record_of(store.read(log)).tests.values():
                if test.status.is_bad:
                    yield test.place.test_id, store.run_of(log)
