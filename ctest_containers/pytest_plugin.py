"""The pytest plugin: with `--ctest`, tests that use pytest-django run on isolated databases.

Every process of pytest has its own: a run without pytest-xdist, and each of its workers. Nothing of
this is loaded, and nothing changes, unless the option or the ini value asks for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ctest_containers.isolated import Server
    from ctest_containers.pytest_session import PytestDatabases

DATABASES: pytest.StashKey[PytestDatabases] = pytest.StashKey()
BEGAN = pytest.StashKey[float]()
SAID = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option, and the ini value for those who want it always."""
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
        help="not so, where the ini file says ctest",
    )
    parser.addini("ctest", type="bool", default=False, help="the same as --ctest")


def pytest_configure(config: pytest.Config) -> None:
    """Take note of when the session began; refuse what cannot work."""
    if not _is_asked(config):
        return
    if not config.pluginmanager.hasplugin("django"):
        raise pytest.UsageError("--ctest needs pytest-django: pip install pytest-django")
    given = getattr(config, "workerinput", {})
    config.stash[BEGAN] = float(given.get("ctest_began", time.time()))
    config.stash[SAID] = []


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """From now on no configured database is reached by this process."""
    config = session.config
    if not _is_asked(config) or _is_controller(config):
        return
    from ctest_containers.errors import CtestError
    from ctest_containers.pytest_session import PytestDatabases

    try:
        config.stash[DATABASES] = PytestDatabases(
            worker=_worker(config),
            began=config.stash[BEGAN],
            renew=bool(config.getoption("create_db", default=False)),
            reuse=bool(config.getoption("reuse_db", default=False)),
            say=lambda line: _say(config, line),
        )
    except CtestError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Before the first test, let the project prepare this process."""
    config = session.config
    if DATABASES not in config.stash or config.option.collectonly:
        return
    from pytest_django.plugin import blocking_manager_key

    with config.stash[blocking_manager_key].unblock():
        config.stash[DATABASES].set_up_worker()


def pytest_report_header(config: pytest.Config) -> str | None:
    """One line says that these are not the usual databases."""
    return "ctest: isolated databases, from templates" if _is_asked(config) else None


@pytest.fixture
def spare_database(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Databases that are a test's own, as they are after migrating; gone after it.

    `spare_database.url("default")` is the address, `spare_database.settings["default"]` what
    belongs into DATABASES. Django's own connections lead elsewhere, and stay as they are.
    """
    if DATABASES not in request.config.stash:
        pytest.fail("The fixture spare_database needs pytest --ctest.", pytrace=False)
    with ExitStack() as spawned:
        # What makes a template may be a fork of this process, and has to reach databases.
        with request.getfixturevalue("django_db_blocker").unblock():
            server = spawned.enter_context(request.config.stash[DATABASES].spare())
        yield server


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what there is to say to the process that has the terminal."""
    config = session.config
    output = getattr(config, "workeroutput", None)
    if output is not None and SAID in config.stash:
        output["ctest_said"] = config.stash[SAID]


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove every server that this process has had."""
    databases = config.stash.get(DATABASES, None)
    if databases is not None:
        del config.stash[DATABASES]
        databases.close()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What was said of templates and servers, each line once."""
    said: list[str] = config.stash.get(SAID, [])
    if said:
        terminalreporter.section("database containers")
        for line in dict.fromkeys(said):
            terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist when the session began, also one that replaces another."""
    if BEGAN in node.config.stash:
        node.workerinput["ctest_began"] = node.config.stash[BEGAN]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist had to say."""
    if SAID in node.config.stash:
        node.config.stash[SAID] += getattr(node, "workeroutput", {}).get("ctest_said", [])


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """How many workers `-n auto` means: as many as cores and memory carry, as in a run."""
    if not _is_asked(config):
        return None
    from ctest_containers.errors import CtestError
    from ctest_containers.pytest_session import workers_carried

    try:
        return workers_carried()
    except CtestError as error:
        raise pytest.UsageError(str(error)) from error


def _is_asked(config: pytest.Config) -> bool:
    given = config.getoption("ctest")
    return bool(config.getini("ctest") if given is None else given)


def _is_controller(config: pytest.Config) -> bool:
    """Whether this process only hands tests to others."""
    return config.pluginmanager.hasplugin("dsession")


def _worker(config: pytest.Config) -> int:
    """The number of this process among those that run tests, from 1 on."""
    digits = "".join(filter(str.isdigit, getattr(config, "workerinput", {}).get("workerid", "")))
    return int(digits) + 1 if digits else 1


def _say(config: pytest.Config, line: str) -> None:
    """At once where this process has the terminal; a build of a template may take its time."""
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")
    if hasattr(config, "workerinput") or reporter is None or capture is None:
        config.stash[SAID].append(line)
        return
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(line)
