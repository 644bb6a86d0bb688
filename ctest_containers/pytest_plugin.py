"""The pytest plugin: with `--ctest`, tests that use pytest-django run on isolated databases.

Every process of pytest has its own: a run without pytest-xdist, and each of its workers. Nothing of
this is loaded, and nothing changes, unless the option or the ini value asks for it.
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


@dataclass
class Asked:
    """What this process of pytest has to do with, where it was asked to.

    Attributes:
        began: When the session began, in seconds since the epoch.
        said: What a person may want to see at the end.
        databases: None in a process that only hands tests to others.
        failure: Why no test can run.
    """

    began: float
    said: list[str] = field(default_factory=list)
    databases: PytestDatabases | None = None
    failure: str = ""


# Not in pytest's own stash: whoever does not ask may have a pytest without one.
_ASKED: WeakKeyDictionary[pytest.Config, Asked] = WeakKeyDictionary()


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


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: Any) -> Iterator[None]:
    """Before any code of the project runs, keep it from the configured databases."""
    given = getattr(early_config.known_args_namespace, "ctest", None)
    if early_config.getini("ctest") if given is None else given:
        from ctest_containers.project import guard

        guard.install()
    yield


def pytest_configure(config: pytest.Config) -> None:
    """Take note of when the session began; refuse what cannot work."""
    if not _is_asked(config):
        return
    try:
        from pytest_django.plugin import blocking_manager_key  # noqa: F401
    except ImportError:
        needed = False
    else:
        needed = config.pluginmanager.hasplugin("django")
    if not needed:
        raise pytest.UsageError(
            "--ctest needs pytest-django, 4.7 or later: pip install -U pytest-django"
        )
    given = getattr(config, "workerinput", {})
    _ASKED[config] = Asked(began=float(given.get("ctest_began", time.time())))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """From now on no configured database is reached by this process."""
    config = session.config
    asked = _ASKED.get(config)
    if asked is None:
        return
    from ctest_containers.errors import CtestError
    from ctest_containers.pytest_session.configuration import check_configuration
    from ctest_containers.pytest_session.databases import PytestDatabases

    try:
        check_configuration()
        if not _is_controller(config):
            asked.databases = PytestDatabases(
                worker=_worker(config),
                began=asked.began,
                renew=bool(config.getoption("create_db", default=False)),
                reuse=bool(config.getoption("reuse_db", default=False)),
                say=lambda line: _say(config, line),
                stop=lambda reason: setattr(session, "shouldstop", reason),
            )
    except CtestError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Before the first test, let the project prepare this process."""
    config = session.config
    asked = _ASKED.get(config)
    if asked is None or asked.databases is None or config.option.collectonly:
        return
    from pytest_django.plugin import blocking_manager_key

    with config.stash[blocking_manager_key].unblock():
        asked.failure = asked.databases.set_up_worker()
    if asked.failure and not hasattr(config, "workerinput"):
        pytest.exit(asked.failure, returncode=1)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """A worker of pytest-xdist cannot end the session, and would be replaced; so its tests fail."""
    asked = _ASKED.get(item.config)
    if asked is not None and asked.failure:
        pytest.fail(asked.failure, pytrace=False)


def pytest_report_header(config: pytest.Config) -> str | None:
    """One line says that these are not the usual databases."""
    return "ctest: isolated databases, from templates" if _is_asked(config) else None


@pytest.fixture
def spare_database(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Databases that are a test's own, as they are after migrating; gone after it.

    `spare_database.url("default")` is the address, `spare_database.settings["default"]` what
    belongs into DATABASES. Django's own connections lead elsewhere, and stay as they are.
    """
    asked = _ASKED.get(request.config)
    if asked is None or asked.databases is None:
        pytest.fail("The fixture spare_database needs pytest --ctest.", pytrace=False)
    with ExitStack() as spawned:
        # What makes a template may be a fork of this process, and has to reach databases.
        with request.getfixturevalue("django_db_blocker").unblock():
            server = spawned.enter_context(asked.databases.spare())
        yield server


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what there is to say to the process that has the terminal."""
    asked = _ASKED.get(session.config)
    output = getattr(session.config, "workeroutput", None)
    if session.testsfailed and asked is not None and asked.databases is not None:
        asked.databases.say_ages()
    if output is not None and asked is not None:
        output["ctest_said"] = asked.said


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove every server that this process has had."""
    asked = _ASKED.pop(config, None)
    if asked is None:
        return
    if asked.databases is not None:
        asked.databases.close()
    from ctest_containers.project import guard

    guard.remove()


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """What was said of templates and servers, each line once."""
    asked = _ASKED.get(config)
    if asked is not None and asked.said:
        terminalreporter.section("database containers")
        for line in dict.fromkeys(asked.said):
            terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist when the session began, also one that replaces another."""
    asked = _ASKED.get(node.config)
    if asked is not None:
        node.workerinput["ctest_began"] = asked.began


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist had to say."""
    asked = _ASKED.get(node.config)
    if asked is not None:
        asked.said += getattr(node, "workeroutput", {}).get("ctest_said", [])


@pytest.hookimpl(optionalhook=True, tryfirst=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """How many workers `-n auto` means: as many as cores and memory carry, as in a run."""
    # Settings that a conftest makes are made later than this is asked; then xdist counts the cores.
    if not _is_asked(config) or "DJANGO_SETTINGS_MODULE" not in os.environ:
        return None
    from ctest_containers.errors import CtestError
    from ctest_containers.pytest_session.configuration import workers_carried

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
        _ASKED[config].said.append(line)
        return
    with capture.global_and_fixture_disabled():
        reporter.ensure_newline()
        reporter.write_line(line)
