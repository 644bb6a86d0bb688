"""Records what the tests and fixtures of one process of pytest use."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from _pytest.fixtures import FixtureDef, FixtureRequest

from ctest_containers.events import UsageRecorded
from ctest_containers.pytest_session.items import (
    class_of,
    name_of_fixture,
    names_of_fixtures,
)
from ctest_containers.report.usage import UsageReport
from ctest_containers.usage.collector import Collector
from ctest_containers.usage.loaded import LoadedFunctions
from ctest_containers.usage.model import TEST

NO_FUNCTION = "is not a test function, so that not all that it uses is known"


class TestUsage:
    """Has a unit for each test, and for each fixture with a scope above that of a function.

    Args:
        loaded: What finds the functions that this process has loaded.
        worker: The number of this process among those that run tests.
        own: A folder with files of this process, which are not inputs.
        events: A file for the events about what was used.

    Attributes:
        report: What was used.
    """

    __test__ = False

    def __init__(self, loaded: LoadedFunctions, worker: int, own: Path, events: Path) -> None:
        self._events = events.open("wb")
        self.report = UsageReport()
        # The unit of each fixture that was set up last.
        self._set_up: dict[Any, str] = {}
        if (base := loaded.base()) is not None:
            self._send(base)
        self._collector = Collector(
            worker=worker, own=str(own), send=self._send, cached=loaded.cached
        )

    def start(self) -> None:
        """Start recording.

        Raises:
            UnavailableError: It is not possible in this process.
        """
        watch = self._collector.watch
        watch(FixtureDef.finish.__code__, self._finish, self._collector.leave)
        watch(FixtureRequest.getfixturevalue.__code__, self._request)
        self._collector.start()

    def stop(self) -> None:
        """Stop recording; nothing more is added."""
        self._collector.send_base()
        self._collector.stop()
        self._events.close()

    @contextmanager
    def test(self, item: pytest.Item, has_ended: Callable[[str], bool]) -> Iterator[None]:
        """Record a test in this block."""
        collector = self._collector
        collector.begin(f"{TEST}{item.nodeid}")
        notes = collector.notes()
        info = getattr(item, "_fixtureinfo", None)
        if info is None or not isinstance(item, pytest.Function):
            notes.opaque.add(NO_FUNCTION)
        else:
            for definitions in info.name2fixturedefs.values():
                notes.fixtures |= names_of_fixtures(definitions, item)
        if (kind := class_of(item)) is not None:
            notes.classes.add(f"{kind.__module__}.{kind.__qualname__}")
        module: Any = getattr(item, "module", None)
        if hasattr(module, "pytestmark"):
            notes.lookups.add(f"{module.__name__}.pytestmark")
        try:
            yield
        finally:
            collector.end(is_valid=has_ended(item.nodeid))

    @contextmanager
    def unrecorded(self) -> Iterator[None]:
        """Forget what this block uses."""
        self._collector.begin("")
        try:
            yield
        finally:
            self._collector.end(is_valid=False)

    @contextmanager
    def fixture(self, definition: Any, request: Any) -> Iterator[None]:
        """Record the set-up of a fixture in this block."""
        collector, name = self._collector, name_of_fixture(definition, request._pyfuncitem)
        self._set_up[definition] = name
        if not name:
            yield
            return
        collector.notes().fixtures.add(name)
        collector.begin(name)
        collector.notes().fixtures |= _closure(request, definition.argnames)
        try:
            yield
        finally:
            collector.end()

    def _finish(self, frame: FrameType) -> None:
        if name := self._set_up.get(frame.f_locals["self"]):
            self._collector.begin_inside(name, frame)

    def _request(self, frame: FrameType) -> None:
        """Note a fixture that is requested by its name while a test or a fixture runs."""
        request, name = frame.f_locals["self"], frame.f_locals["argname"]
        notes = self._collector.notes()
        info = getattr(request._pyfuncitem, "_fixtureinfo", None)
        is_known = info is not None and name in info.name2fixturedefs
        if not (is_known and notes.unit.startswith(TEST)):
            notes.fixtures |= _closure(request, [name])

    def _send(self, event: UsageRecorded) -> None:
        self.report.handle(event, 0.0)
        pickle.dump(event, self._events)


def _closure(request: Any, names: Sequence[str]) -> set[str]:
    """Return the units of fixtures with these names, and of those that they request."""
    units: set[str] = set()
    seen: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name in seen or name == "request":
            continue
        seen.add(name)
        for definition in _definitions(request, name):
            units |= names_of_fixtures([definition], request._pyfuncitem)
            waiting += definition.argnames
    return units


def _definitions(request: Any, name: str) -> Sequence[Any]:
    """Return the fixtures with a name that a request may get, overridden ones included."""
    known = request._arg2fixturedefs.get(name)
    if known is None:
        item = request._pyfuncitem
        node: Any = item if pytest.version_tuple >= (8,) else item.nodeid
        known = request._fixturemanager.getfixturedefs(name, node)
    return known or ()
