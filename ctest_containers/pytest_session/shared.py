"""What the processes of a session have in common, and what a session is able to do."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.test import utils

from ctest_containers.config import Config
from ctest_containers.config.model import project_of
from ctest_containers.events import RunStarted
from ctest_containers.session.start import run_started


@dataclass(frozen=True, kw_only=True)
class SharedSession:
    """What the processes of a session have in common.

    Attributes:
        folder: A folder for what they share.
        started: When the session began, and its ID.
    """

    folder: Path
    started: RunStarted

    @classmethod
    def begin(cls, config: Config) -> SharedSession:
        """Return it for a session that begins."""
        folder = Path(tempfile.mkdtemp(prefix="ctest-pytest-"))
        run = secrets.token_hex(4)
        return cls(folder=folder, started=run_started(run, project_of(config), Path.cwd()))


@dataclass(frozen=True, kw_only=True)
class Collected:
    """What one process has collected.

    Attributes:
        count: How many tests it has collected and not left out.
        is_whole: Whether these are all tests of the project.
    """

    count: int
    is_whole: bool


def takes_all(config: pytest.Config) -> bool:
    """Return whether no option leaves out tests of the project."""
    option = config.option
    source = getattr(config, "args_source", None)
    names = ("keyword", "markexpr", "deselect", "ignore", "ignore_glob", "lf", "stepwise", "pyargs")
    return (
        getattr(source, "name", "") in {"INVOCATION_DIR", "TESTPATHS"}
        and config.invocation_params.dir == config.rootpath
        and not any(getattr(option, name, None) for name in names)
    )


@contextmanager
def able_to_build(config: pytest.Config) -> Iterator[None]:
    """Let templates be built in this block, as while the first test is set up."""
    from pytest_django.plugin import blocking_manager_key

    is_set_up = hasattr(utils._TestState, "saved_data")
    with config.stash[blocking_manager_key].unblock():
        if not is_set_up:
            utils.setup_test_environment(debug=False)
        try:
            yield
        finally:
            if not is_set_up:
                utils.teardown_test_environment()
