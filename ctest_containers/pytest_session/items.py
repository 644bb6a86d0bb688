"""What pytest knows about tests that their code does not say: marks, fixtures, configuration."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, Final

import pytest

from ctest_containers.impact.inputs import Inputs
from ctest_containers.recording.digests import MISSING, digest_of, is_newer, unlike_any
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.usage.model import FIXTURE
from ctest_containers.usage.project_files import ProjectFiles

CONFTEST: Final = "conftest.py"

WITHOUT_EFFECT: Final = frozenset(
    {
        *("basetemp", "cacheclear", "cacheshow", "capture", "code_highlight", "collectonly"),
        *("color", "create_db", "ctest", "debug", "deselect", "disable_warnings", "dist"),
        *("distload", "durations", "durations_min", "failedfirst", "file_or_dir", "fulltrace"),
        *("help", "ignore", "ignore_glob", "inifilename", "junitprefix", "keepduplicates"),
        *("keyword", "last_failed_no_failures", "lf", "loadgroup", "looponfail", "markers"),
        *("markexpr", "maxfail", "maxprocesses", "maxschedchunk", "maxworkerrestart", "newfirst"),
        *("no_fold_skipped", "no_header", "no_summary", "numprocesses", "pastebin"),
        *("randomly_reorganize", "randomly_seed", "report_log", "reportchars", "reuse_db"),
        *("rootdir", "rsyncdir", "rsyncignore", "setuponly", "setupplan", "setupshow"),
        *("show_fixtures_per_test", "showcapture", "showfixtures", "showlocals", "stepwise"),
        *("stepwise_reset", "stepwise_skip", "tbstyle", "testrunuid", "trace", "tx", "usepdb"),
        *("usepdb_cls", "verbose", "version", "xmlpath"),
    }
)
"""Options that decide which tests run, where, and what is shown, rather than what tests do."""

OF_OTHERS: Final = ("cov", "ctest_", "log_", "no_cov")
"""The beginnings of the names of more such options."""

DEEPEST: Final = 20
"""How deep values are looked at; some contain themselves."""


class Items:
    """The tests that a session has collected.

    Attributes:
        files: The file of each test, by its nodeid.
        classes: The classes of the tests.
        plugins: The files of the project's plugins, apart from conftest files.
    """

    def __init__(self, config: pytest.Config, items: Sequence[pytest.Item]) -> None:
        self._config = config
        self._root = config.rootpath
        self._known: dict[int, tuple[object, str]] = {}
        self.files = {item.nodeid: item.path for item in items}
        self.classes = {kind for item in items if (kind := class_of(item)) is not None}
        self._digests = {item.nodeid: digest_of(self._description(item)) for item in items}
        self._conftests = {
            self.name_of(folder / CONFTEST)
            for parent in {file.parent for file in self.files.values()}
            for folder in self._folders(parent)
        }
        files, modules = ProjectFiles(PortablePaths.here()), _files_of_plugins(config)
        self._conftests |= {self.name_of(Path(file)) for file in modules if _is_conftest(file)}
        self.plugins = {
            file for file in modules if not _is_conftest(file) and files.is_wanted(file)
        }

    def more(self, recorded: Inputs, since: float | None = None) -> Mapping[str, Mapping[str, str]]:
        """Return the digests of tests, of conftest files and of what counts for all tests.

        See `Today.more`.

        Args:
            since: See `Today.since`.
        """
        conftests = {*self._conftests, *recorded.others.get("conftests", ())}
        return {
            "items": {**recorded.others.get("items", {}), **self._digests},
            "conftests": {name: _digest(self._root / name, since) for name in sorted(conftests)},
            "pytest": dict(self._configuration(since)),
        }

    def name_of(self, file: Path) -> str:
        """Return the name of a file from the folder in which nodeids begin."""
        root = self._root if file.is_relative_to(self._root) else self._root.resolve()
        return os.path.relpath(file, root).replace(os.sep, "/")

    def _folders(self, folder: Path) -> Iterator[Path]:
        """Yield the folders whose conftest files count for tests in a folder."""
        yield folder
        for parent in folder.parents:
            if folder == self._root or folder in self._root.parents:
                return
            folder = parent
            yield folder

    def _configuration(self, since: float | None) -> Iterator[tuple[str, str]]:
        config = self._config
        if config.inipath is not None:
            yield self.name_of(config.inipath), _digest(config.inipath, since)
        for name, value in sorted(vars(config.option).items()):
            if name in WITHOUT_EFFECT or name.startswith(OF_OTHERS):
                continue
            # Workers of pytest-xdist have no terminal.
            given = (
                [plugin for plugin in value or () if plugin != "no:terminal"]
                if name == "plugins"
                else value
            )
            yield f"the option {name} of pytest", digest_of(described(given))
        for file in sorted(self.plugins):
            yield f"the plugin {self.name_of(Path(file))}", _digest(Path(file), since)

    def _description(self, item: pytest.Item) -> str:
        """What is to be equal if a test does the same as before, apart from its code."""
        marks = [self._of_mark(mark) for mark in item.iter_markers()]
        info = getattr(item, "_fixtureinfo", None)
        definitions = {} if info is None else info.name2fixturedefs
        fixtures = [
            f"{name}: {self._of_fixtures(definitions.get(name, ()))}"
            for name in (*getattr(item, "fixturenames", ()), *sorted(definitions))
        ]
        callspec = getattr(item, "callspec", None)
        params = "" if callspec is None else described(callspec.params)
        return "\n".join((type(item).__qualname__, *marks, *fixtures, params))

    def _of_mark(self, mark: pytest.Mark) -> str:
        # Tests of a class or a function share their marks, which may list many parameters.
        return self._remembered(mark, lambda: described((mark.name, mark.args, mark.kwargs)))

    def _of_fixtures(self, definitions: Sequence[Any]) -> str:
        return self._remembered(
            definitions,
            lambda: described(
                [(each.baseid, each.scope, _function(each.func)) for each in definitions]
            ),
        )

    def _remembered(self, key: object, describe: Any) -> str:
        known = self._known.get(id(key))
        if known is None:
            # The entry keeps the object, so that no other one gets its id.
            known = self._known[id(key)] = key, describe()
        return known[1]


def class_of(item: pytest.Item) -> type | None:
    """Return the class of a test; None if it is none of a class."""
    kind = getattr(item, "cls", None)
    return kind if isinstance(kind, type) else None


def name_of_fixture(definition: Any, item: Any) -> str:
    """Return the unit of a fixture as a test uses it; empty if no other test uses the same value.

    A fixture with the scope of a class or a module has a unit for each of them.
    """
    scope, owner = definition.scope, ""
    if scope in {"class", "module"}:
        node = item.getparent(pytest.Class if scope == "class" else pytest.Module)
        if node is None:
            # pytest sets it up for this test alone.
            return ""
        owner = "" if node.nodeid == definition.baseid else f" in {node.nodeid}"
    return (
        "" if scope == "function" else f"{FIXTURE}{definition.baseid}::{definition.argname}{owner}"
    )


def names_of_fixtures(definitions: Iterable[Any], item: Any) -> set[str]:
    """Return the units of those fixtures that have one."""
    return {name for definition in definitions if (name := name_of_fixture(definition, item))}


def described(value: object, depth: int = 0) -> str:
    """Return a text that is the same in every process for equal plain values."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return repr(value)
    if isinstance(value, FunctionType) or inspect.isclass(value):
        return _function(value)
    if depth < DEEPEST:
        if isinstance(value, (list, tuple)):
            return f"({', '.join(described(each, depth + 1) for each in value)})"
        if isinstance(value, (set, frozenset)):
            return f"{{{', '.join(sorted(described(each, depth + 1) for each in value))}}}"
        if isinstance(value, Mapping):
            items = (
                f"{described(key, depth + 1)}: {described(each, depth + 1)}"
                for key, each in value.items()
            )
            return f"{{{', '.join(sorted(items))}}}"
    return _function(type(value))


def _function(function: Any) -> str:
    module, name = (getattr(function, part, "") for part in ("__module__", "__qualname__"))
    return f"{module}.{name}" if name else type(function).__qualname__


def _digest(file: Path, since: float | None) -> str:
    try:
        is_fresh = since is not None and is_newer(file, since)
        return unlike_any() if is_fresh else digest_of(file.read_bytes())
    except OSError:
        return MISSING


def _files_of_plugins(config: pytest.Config) -> set[str]:
    modules = (each for each in config.pluginmanager.get_plugins() if isinstance(each, ModuleType))
    files = (getattr(module, "__file__", None) for module in modules)
    return {str(Path(file).resolve()) for file in files if isinstance(file, str)}


def _is_conftest(file: str) -> bool:
    return Path(file).name == CONFTEST
