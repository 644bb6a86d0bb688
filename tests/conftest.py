"""Leaves the machine as it was: every test is checked for what it left behind.

Tests that use an engine run one after another, for they count what is on it; the others may run
beside them (`pytest -n 3 --dist loadgroup`). There are three engines then, each for some modules.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# Examples have no time limit, and leave nothing in the checkout.
set_hypothesis_home_dir(Path(__file__).parents[1] / ".pytest_cache" / "hypothesis")
settings.register_profile("ctest_containers", deadline=None, database=None)
settings.load_profile("ctest_containers")

NOT_ALONE = ("engine", "small_group")
"""Fixtures for what all processes of the machine share."""

ENGINES = {
    "second engine": (
        *("test_agreement", "test_clean", "test_faults", "test_incremental_templates"),
        *("test_interrupts", "test_limits", "test_pytest", "test_reset", "test_servers_ahead"),
        *("test_template_commands", "test_timings", "test_workers"),
    ),
    "third engine": (
        *("test_agreement_mysql", "test_command_line", "test_isolated", "test_settings_kept"),
        *("test_reset_rows", "test_several_databases", "test_templates"),
    ),
}
"""Modules whose tests need neither a network nor, unless they are marked so, a port.

Only the first engine has these.
Each engine has a process of its own, and about as much to do as the others.
"""


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep in one process what must not run beside each other."""
    names = getattr(item, "fixturenames", ())
    if any(name in names for name in NOT_ALONE) or "test_memory" in item.nodeid:
        item.add_marker(pytest.mark.xdist_group(_engine_of(item)))
    elif "integration" in item.path.parts:
        # What a module makes once is made in one process.
        item.add_marker(pytest.mark.xdist_group(item.path.stem))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to have the same order again, which -q leaves out."""
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        seed = terminalreporter.config.getoption("randomly_seed")
        terminalreporter.write_line(f"The order of the tests was that of --randomly-seed={seed}.")


def _engine_of(item: pytest.Item) -> str:
    for engine, modules in ENGINES.items():
        if item.path.stem in modules and item.get_closest_marker("ports") is None:
            return engine
    return "engine"


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell that starts the tests in the background has it ignored, and so would all of them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
