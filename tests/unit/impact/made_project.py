"""Projects of a few small modules, and recordings of tests that nobody has run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from ctest_containers.impact.changes import Changes, changes_since, named_in
from ctest_containers.impact.definitions import Hints
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.loaded import Loaded
from ctest_containers.impact.select import Selection, select
from ctest_containers.impact.today import Today
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.sources import Definition
from ctest_containers.usage.model import TEST, Usage
from ctest_containers.usage.packing import pack, resolved
from ctest_containers.usage.units import Units


@dataclass
class MadeProject:
    """A project in a folder, with a recording.

    Attributes:
        loaded: What the loaded project would know, apart from its modules.
        lazy: Modules that are not loaded before the first test.
    """

    folder: Path
    loaded: Loaded = field(default_factory=Loaded)
    lazy: frozenset[str] = frozenset()
    units: Units = field(default_factory=Units)
    inputs: Inputs = field(default_factory=Inputs)

    def write(self, **texts: str) -> None:
        """Write modules of the package `shop`."""
        (self.folder / "shop").mkdir(exist_ok=True)
        for name, text in {"__init__": "", **texts}.items():
            (self.folder / "shop" / f"{name}.py").write_text(dedent(text))

    def today(self) -> Today:
        """The project as it is now."""
        names = {f"shop.{file.stem}" for file in (self.folder / "shop").glob("*.py")}
        paths = replace(
            PortablePaths.here(), project=str(self.folder), checkout=str(self.folder), temporary="/"
        )
        modules = frozenset(names - self.lazy)
        hooked = {**dict.fromkeys(modules, frozenset[str]()), **self.loaded.hints.hooked}
        hints_ = replace(self.loaded.hints, hooked=hooked)
        return Today(paths=paths, loaded=replace(self.loaded, modules=modules, hints=hints_))

    def record(self, units: Mapping[str, Usage]) -> None:
        """Record units with today's inputs."""
        today = self.today()
        packed = pack(units)
        self.units = resolved(packed, today.definition_of) if packed.names("functions") else packed
        inputs = Inputs.from_json(json.loads(json.dumps(today.inputs(self.units).to_json())))
        assert inputs is not None
        self.inputs = inputs

    def changes(self) -> Changes:
        """What has changed since."""
        today = self.today()
        return changes_since(self.inputs, today.today(self.inputs), is_named=named_in(today))

    def select(
        self, *new: str, marks: Mapping[str, str] | None = None, changes: Changes | None = None
    ) -> Selection:
        """Select among the recorded tests and new ones."""
        tests = [unit.removeprefix(TEST) for unit in self.units if unit.startswith(TEST)]
        found = self.changes() if changes is None else changes
        return select([*tests, *new], self.units, marks or {}, self.inputs, found)

    def affected(self) -> dict[str, tuple[str, ...]]:
        """The affected tests, by the last part of their ids, with reasons."""
        selection = self.select()
        return {test.rpartition(".")[2]: reasons for test, reasons in selection.affected.items()}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MadeProject:
    """An empty project."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return MadeProject(tmp_path)


def ran(*names: str, **others: Any) -> Usage:
    """The usage of a unit that ran functions of `shop`: `models.Order.total`."""
    definitions: frozenset[Definition] = frozenset(
        (f"shop.{module}", part) for module, _, part in (name.partition(".") for name in names)
    )
    return Usage(definitions=definitions, **others)


def hints(**values: Any) -> Loaded:
    """What only a loaded project knows."""
    return Loaded(hints=Hints(**values))
