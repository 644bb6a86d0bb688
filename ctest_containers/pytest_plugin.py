"""The pytest plugin: with `--ctest`, tests that use pytest-django run on isolated databases.

Each process of pytest that runs tests has its own databases: a run without pytest-xdist, or each of
its workers. Unless the option or the ini value is set, nothing is loaded and nothing changes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import pytest

if TYPE_CHECKING:
    from ctest_containers.isolated import Server
    from ctest_containers.pytest_session.databases import PytestDatabases
    from ctest_containers.usage.loaded import LoadedFunctions


@dataclass
class SessionState:
    """The state of a session in this process of pytest.

    Attributes:
        began: When the session began, in seconds since the epoch.
        lines: The lines to show at the end.
        databases: Its databases; None in a process that only distributes tests.
        failure: Why no test can run.
    """

    began: float
    lines: list[str] = field(default_factory=list)
    databases: PytestDatabases | None = None
    failure: str = ""


# Not in pytest's own stash: without --ctest, pytest may be too old to have one.
_STATES: WeakKeyDictionary[pytest.Config, SessionState] = WeakKeyDictionary()

_LOADED: WeakKeyDictionary[pytest.Config, LoadedFunctions] = WeakKeyDictionary()
"""What finds the functions of the project, if tests are to be recorded."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option, and the ini value that makes it the default."""
    group = parser.getgroup("ctest_containers", "database containers")
    group.addoption(
        "--ctest",
        action="store_true",
        default=None,
        help="run on isolated databases, made from templates that are migrated once; each worker "
        "of pytest-xdist has its own",
    )
    group.addoption(
        "--no-ctest",
        dest="ctest",
        action="store_false",
        help="use the configured databases, even if the ini file enables ctest",
    )
    group.addoption(
        "--ctest-keep-failed",
        metavar="N",
        default=None,
        help="keep the databases of the first N tests that fail in each process, for "
        "python -m ctest_containers open",
    )
    group.addoption(
        "--ctest-record",
        action="store_true",
        default=None,
        help="record what each test uses: functions, files, templates, settings and SQL",
    )
    group.addoption(
        "--no-ctest-record",
        dest="ctest_record",
        action="store_false",
        help="record nothing, even if the settings or the environment ask for it",
    )
    group.addoption(
        "--ctest-affected",
        metavar="REV",
        nargs="?",
        const="",
        default=None,
        help="run only the tests that a change can reach: what has changed since they were "
        "recorded or, with REV, what differs from this revision in Git",
    )
    group.addoption(
        "--ctest-explain",
        action="store_true",
        default=None,
        help="with --ctest-affected: print why each test would run, and run none",
    )
    parser.addini("ctest", type="bool", default=False, help="the same as --ctest")


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """Guard the configured databases before any code of the project runs."""
    option = getattr(early_config.known_args_namespace, "ctest", None)
    if early_config.getini("ctest") if option is None else option:
        from ctest_containers.project import guard

        guard.install()
        if getattr(early_config.known_args_namespace, "ctest_record", None):
            from ctest_containers.usage.loaded import LoadedFunctions

            # What the project reads from now on counts for all tests.
            _LOADED[early_config] = LoadedFunctions()
    yield


def pytest_configure(config: pytest.Config) -> None:
    """Note when the session began.

    Raises:
        pytest.UsageError: pytest-django is not installed or too old.
    """
    if not _is_enabled(config):
        return
    try:
        from pytest_django.plugin import blocking_manager_key  # noqa: F401
    except ImportError:
        has_pytest_django = False
    else:
        has_pytest_django = config.pluginmanager.hasplugin("django")
    if not has_pytest_django:
        raise pytest.UsageError(
            "--ctest needs pytest-django, 4.7 or later: pip install -U pytest-django"
        )
    worker_input = getattr(config, "workerinput", {})
    _STATES[config] = SessionState(began=float(worker_input.get("ctest_began", time.time())))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Replace Django's creation of test databases in this process.

    Raises:
        pytest.UsageError: The configuration is wrong.
    """
    config = session.config
    state = _STATES.get(config)
    if state is None:
        return
    from ctest_containers.errors import CtestError
    from ctest_containers.pytest_session.configuration import checked_configuration
    from ctest_containers.pytest_session.databases import PytestDatabases

    try:
        ctest = checked_configuration(
            {
                name: config.getoption(f"ctest_{name}")
                for name in ("keep_failed", "record", "affected", "explain")
            }
        )
        if not _is_controller(config):
            state.databases = PytestDatabases(
                worker=_worker(config),
                began=state.began,
                renew=bool(config.getoption("create_db", default=False)),
                reuse=bool(config.getoption("reuse_db", default=False)),
                config=ctest,
                say=lambda line: _say(config, line),
                stop=lambda reason: setattr(session, "shouldstop", reason),
            )
        if ctest.record or ctest.affected is not None:
            from ctest_containers.pytest_session.recording import RecordingPlugin
            from ctest_containers.usage.loaded import LoadedFunctions

            loaded = _LOADED.get(config)
            plugin = RecordingPlugin(
                config,
                ctest,
                worker=_worker(config),
                databases=state.databases,
                loaded=loaded if loaded is not None else LoadedFunctions(),
                say=lambda line: _say(config, line),
            )
            config.pluginmanager.register(plugin, "ctest_recording")
    except CtestError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Call the project's `worker_setup` before the first test."""
    config = session.config
    state = _STATES.get(config)
    if state is None or state.databases is None or config.option.collectonly:
        return
    from pytest_django.plugin import blocking_manager_key

    with config.stash[blocking_manager_key].unblock():
        state.failure = state.databases.set_up_worker()
    if state.failure and not hasattr(config, "workerinput"):
        pytest.exit(state.failure, returncode=1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail every test of a worker whose setup failed: pytest-xdist would replace a dead worker."""
    state = _STATES.get(item.config)
    if state is not None and state.failure:
        pytest.fail(state.failure, pytrace=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Keep the databases of a test that fails, before its fixtures are torn down."""
    yield from _keeping(item, is_setup=False)


@pytest.hookimpl(hookwrapper=True, specname="pytest_runtest_setup")
def pytest_runtest_setup_watched(item: pytest.Item) -> Iterator[None]:
    """Keep the databases of a test whose fixtures fail."""
    yield from _keeping(item, is_setup=True)


def _keeping(item: pytest.Item, *, is_setup: bool) -> Iterator[Any]:
    state = _STATES.get(item.config)
    if state is None or state.databases is None:
        yield
        return
    failures = state.databases.failures
    with failures.watching(item, is_setup=is_setup):
        outcome: Any = yield
    if outcome.excinfo is not None:
        failures.meet(item, outcome.excinfo)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Return a line that says that these are not the usual databases."""
    return "ctest: isolated databases, from templates" if _is_enabled(config) else None


@pytest.fixture
def spare_database(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Freshly migrated databases for one test only, in addition to its usual ones.

    `spare_database.url("default")` is a database's address, `spare_database.settings["default"]`
    its entry in DATABASES. Django's own connections do not use these databases.
    """
    state = _STATES.get(request.config)
    if state is None or state.databases is None:
        pytest.fail("The fixture spare_database needs pytest --ctest.", pytrace=False)
    with ExitStack() as spawned:
        # The process that builds a template may be a fork of this one, and needs databases.
        with request.getfixturevalue("django_db_blocker").unblock():
            server = spawned.enter_context(state.databases.spare())
        yield server


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the lines to show to the process that has the terminal."""
    state = _STATES.get(session.config)
    output = getattr(session.config, "workeroutput", None)
    if session.testsfailed and state is not None and state.databases is not None:
        state.databases.say_after_failures()
    if output is not None and state is not None:
        output["ctest_lines"] = state.lines


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove every server of this process."""
    state = _STATES.pop(config, None)
    if state is None:
        return
    if state.databases is not None:
        state.databases.close()
    from ctest_containers.project import guard

    guard.remove()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Show the lines about templates and servers, each once."""
    state = _STATES.get(config)
    if state is not None and state.lines:
        terminalreporter.section("database containers")
        for line in dict.fromkeys(state.lines):
            terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Send each worker of pytest-xdist the time when the session began."""
    state = _STATES.get(node.config)
    if state is not None:
        node.workerinput["ctest_began"] = state.began


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Collect the lines that a worker of pytest-xdist has to show."""
    state = _STATES.get(node.config)
    if state is not None:
        state.lines += getattr(node, "workeroutput", {}).get("ctest_lines", [])


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Return the number of workers for `-n auto`, by cores and memory as in a run.

    Raises:
        pytest.UsageError: The configuration is wrong.
    """
    # If a conftest sets up Django, that happens later; then pytest-xdist counts the cores.
    if not _is_enabled(config) or "DJANGO_SETTINGS_MODULE" not in os.environ:
        return None
    from ctest_containers.errors import CtestError
    from ctest_containers.pytest_session.configuration import workers_carried

    try:
        return workers_carried()
    except CtestError as error:
        raise pytest.UsageError(str(error)) from error


def _is_enabled(config: pytest.Config) -> bool:
    option = config.getoption("ctest")
    return bool(config.getini("ctest") if option is None else option)


def _is_controller(config: pytest.Config) -> bool:
    """Return whether this process only distributes tests to workers."""
    return config.pluginmanager.hasplugin("dsession")


def _worker(config: pytest.Config) -> int:
    """Return the number of this process among those that run tests, counted from 1."""
    digits = "".join(filter(str.isdigit, getattr(config, "workerinput", {}).get("workerid", "")))
    return int(digits) + 1 if digits else 1


def _say(config: pytest.Config, line: str) -> None:
    """Show a line: at once if this process has the terminal, or else at the end of the session."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if hasattr(config, "workerinput") or reporter is None or capture is None:
        _STATES[config].lines.append(line)
        return
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(line)
