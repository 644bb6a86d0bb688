"""Leaves the machine as it was: every test is checked for what it left behind.

Which tests run, and which beside which, is said in `harness.tiers`.
"""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from harness.tiers import group_of, is_in_tier, known_seconds, longest_first, write_seconds
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

if TYPE_CHECKING:
    import docker

EXAMPLES = {"all": 300, "": 30, "quick": 30}
"""How many examples a property is tried with, in each tier."""

_seconds: defaultdict[str, float] = defaultdict(float)
"""What the tests of each module took together."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the tiers of `scripts/test`."""
    tiers = parser.getgroup("tiers")
    for name, meaning in (
        ("quick", "run only tests that need no engine"),
        ("all", "run every test, those that prove the same once more included"),
    ):
        tiers.addoption(f"--{name}", action="store_const", dest="tier", const=name, help=meaning)
    tiers.addoption(
        "--keep-durations",
        action="store_true",
        help="keep what each module takes in tests/durations.json, for the order of the next runs",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Let examples take their time, and leave nothing in the checkout."""
    set_hypothesis_home_dir(Path(__file__).parents[1] / ".pytest_cache" / "hypothesis")
    examples = EXAMPLES[config.getoption("tier") or ""]
    settings.register_profile("tier", deadline=None, database=None, max_examples=examples)
    settings.load_profile("tier")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep in one process what must not run beside each other."""
    item.add_marker(pytest.mark.xdist_group(group_of(item)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what the tier does not run, unless it was asked for by name."""
    tier = config.getoption("tier") or ""
    named = any(".py" in argument for argument in config.args)
    chosen = [item for item in items if named or is_in_tier(item, tier)]
    if len(chosen) < len(items):
        kept = set(chosen)
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = longest_first(chosen, known_seconds())


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Add up what modules take."""
    _seconds[report.nodeid.partition("::")[0]] += report.duration


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Keep it, where that was asked for; a process of xdist knows only its own part."""
    config = session.config
    if _seconds and config.getoption("--keep-durations") and not hasattr(config, "workerinput"):
        write_seconds(_seconds)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to have the same order again, which -q leaves out."""
    if terminalreporter.stats.get("failed") or terminalreporter.stats.get("error"):
        seed = terminalreporter.config.getoption("randomly_seed", None)
        terminalreporter.write_line(f"The order of the tests was that of --randomly-seed={seed}.")


@pytest.fixture(scope="session")
def configured_django() -> None:
    """Django with an SQLite database in memory, unless it has settings already."""
    import django
    from django.conf import settings

    if not settings.configured:
        settings.configure(
            DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
            USE_TZ=True,
        )
        django.setup()


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Iterator[docker.DockerClient]:
    """The Docker Engine; a machine without one gets it, and otherwise the tests fail.

    A process that runs beside others gets one of its own with the same images, unless it is given
    the tests that need the machine's.
    """
    from harness.process_engine import process_engine

    with process_engine(group_of(request._pyfuncitem)) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_is_heard() -> None:
    """A shell that starts the tests in the background has it ignored, and so would all of them."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _a_temporary_folder_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What other runs on this machine make and remove is not this session's business."""
    # pytest's own folder comes first, so that no test project is a temporary file.
    tmp_path_factory.getbasetemp()
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
