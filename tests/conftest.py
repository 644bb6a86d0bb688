"""Leaves the machine as it was: every test is checked for what it left behind."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def _a_temporary_folder_of_our_own() -> Iterator[None]:
    """What other runs on this machine make and remove is not this session's business."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        yield
        tempfile.tempdir = None
        del os.environ["TMPDIR"]


@pytest.fixture(autouse=True)
def _nothing_is_left_behind() -> Iterator[None]:
    """No test may change the environment, leave a thread, or a folder of a run."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    threads = set(threading.enumerate())
    folders = set(Path(tempfile.gettempdir()).glob("ctest-*"))

    yield

    assert {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"} == environment
    assert set(threading.enumerate()) <= threads
    assert set(Path(tempfile.gettempdir()).glob("ctest-*")) <= folders
