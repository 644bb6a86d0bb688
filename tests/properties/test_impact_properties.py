"""In generated projects, a change that alters what a test returns always selects the test."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.impact.made_project import MadeProject

from ctest_containers.usage.model import BASE, CACHED, TEST, Usage

MODULES = 3
KINDS = ("constant", "function", "cached", "class", "subclass", "global")


@dataclass(frozen=True)
class Definition:
    """A definition of a generated module.

    Attributes:
        number: A literal in it.
        first, second: The definitions to which it refers, among those before it.
        style: How it imports them.
    """

    kind: str
    number: int
    first: int
    second: int
    style: int


definitions = st.builds(
    Definition,
    kind=st.sampled_from(KINDS),
    number=st.integers(0, 9),
    first=st.integers(0, 20),
    second=st.integers(0, 20),
    style=st.integers(0, 2),
)
projects = st.lists(definitions, min_size=4, max_size=12)


def module_of(index: int, count: int) -> int:
    return index * MODULES // count


def written(project: list[Definition]) -> dict[str, str]:
    """The texts of the modules."""
    lines: dict[int, list[str]] = {number: ["import functools"] for number in range(MODULES)}
    for index, definition in enumerate(project):
        own = module_of(index, len(project))
        used = []
        for number in (definition.first, definition.second):
            if not index:
                used.append("0")
                continue
            other = number % index
            module = module_of(other, len(project))
            name = f"n{other}"
            if module != own:
                if definition.style == 0:
                    lines[own].append(f"from shop.m{module} import {name}")
                elif definition.style == 1:
                    lines[own].append(f"from shop.m{module} import *")
                else:
                    lines[own].append(f"from shop import m{module}")
                    name = f"m{module}.{name}"
            kind = project[other].kind
            call = {"constant": "", "class": "().value()", "subclass": "().value()"}.get(kind, "()")
            used.append(f"{name}{call}")
        lines[own] += body_of(project, index, used)
    return {f"m{number}": "\n".join(text) + "\n" for number, text in lines.items()}


def body_of(project: list[Definition], index: int, used: list[str]) -> list[str]:
    definition, name = project[index], f"n{index}"
    first, second = used
    match definition.kind:
        case "constant":
            return [f"{name} = {definition.number} + {first}"]
        case "class" | "subclass":
            base = first.partition("(")[0] if first.endswith("().value()") else "object"
            head = f"class {name}({base}):" if definition.kind == "subclass" else f"class {name}:"
            attribute = [head, f"    a{index} = {definition.number} + {second}"]
            if definition.kind == "subclass" and base != "object" and definition.number % 2:
                return [*attribute, f"    a{definition.first} = {definition.number}"]
            return [*attribute, "    def value(self):", f"        return self.a{index} + 1"]
        case "global":
            return [
                f"KEPT{index} = []",
                f"def {name}():",
                f"    if not KEPT{index}:",
                f"        KEPT{index}.append({definition.number} + {first})",
                f"    return KEPT{index}[0]",
            ]
        case kind:
            return [
                *(["@functools.cache"] if kind == "cached" else []),
                f"def {name}():",
                f"    if {definition.number} % 2:",
                f"        return {first}",
                f"    return {definition.number} + {second}",
            ]


class Running:
    """Runs the tests of a project, and notes which functions each of them runs."""

    def __init__(self, project: MadeProject) -> None:
        self.functions: defaultdict[str, set[tuple[str, int]]] = defaultdict(set)
        self.results: dict[str, Any] = {}
        self._units = [BASE]
        self._folder = str(project.folder)

    @contextmanager
    def noting(self) -> Iterator[None]:
        sys.setprofile(self._note)
        try:
            yield
        finally:
            sys.setprofile(None)

    def run(self, project: list[Definition]) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]
        importlib.invalidate_caches()
        with self.noting():
            modules = [importlib.import_module(f"shop.m{number}") for number in range(MODULES)]
        for index, definition in enumerate(project):
            value = getattr(modules[module_of(index, len(project))], f"n{index}")
            unit = f"{TEST}shop.tests.Tests.test_{index}"
            self._units.append(unit)
            self.functions[unit] |= set()
            if definition.kind != "constant":
                with self.noting():
                    answer = value().value() if "class" in definition.kind else value()
                self.results[f"test_{index}"] = answer
            self._units.pop()

    def _note(self, frame: FrameType, event: str, _: object) -> None:
        code = frame.f_code
        if not code.co_filename.startswith(self._folder) or code.co_name == "<module>":
            return
        module = str(frame.f_globals["__name__"])
        value = frame.f_globals.get(code.co_name)
        is_cached = hasattr(value, "cache_info")
        if event == "call":
            if is_cached:
                self._units.append(f"{CACHED}{module}:{code.co_name}")
            self.functions[self._units[-1]].add((module, code.co_firstlineno))
        elif event == "return" and is_cached:
            self._units.pop()

    def usage(self) -> Mapping[str, Usage]:
        """The usage of units; a test's own function names what it calls."""
        return {
            unit: Usage(functions=frozenset(functions))
            for unit, functions in self.functions.items()
        }


@given(project=projects, data=st.data())
def test_a_test_with_another_result_is_always_selected(
    tmp_path_factory: pytest.TempPathFactory, project: list[Definition], data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("project")
    made = MadeProject(folder)
    sys.path.insert(0, str(folder))
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        made.write(**written(project), tests=text_of_tests(project))
        before = Running(made)
        before.run(project)
        made.record({unit: with_test(unit, usage) for unit, usage in before.usage().items()})
        assert made.affected() == {}

        index = data.draw(st.integers(0, len(project) - 1))
        changed = list(project)
        changed[index] = data.draw(
            st.sampled_from(
                [
                    replace(project[index], number=project[index].number + 1),
                    replace(project[index], number=project[index].number + 2),
                    replace(project[index], first=project[index].first + 1),
                    replace(project[index], second=project[index].second + 1),
                    replace(project[index], style=(project[index].style + 1) % 3),
                ]
            )
        )
        made.write(**written(changed), tests=text_of_tests(changed))
        after = Running(made)
        after.run(changed)

        different = {name for name in after.results if after.results[name] != before.results[name]}
        assert different <= set(made.affected())
    finally:
        sys.dont_write_bytecode = writes
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.partition(".")[0] == "shop"]:
            del sys.modules[name]
        shutil.rmtree(folder)


def text_of_tests(project: list[Definition]) -> str:
    """A module with tests that call what the project defines."""
    lines = [f"from shop import {', '.join(f'm{number}' for number in range(MODULES))}"]
    lines += ["class Tests:"]
    for index, definition in enumerate(project):
        name = f"m{module_of(index, len(project))}.n{index}"
        call = ".value()" if "class" in definition.kind else ""
        lines += [f"    def test_{index}(self):", f"        return {name}(){call}"]
    return "\n".join(lines) + "\n"


def with_test(unit: str, usage: Usage) -> Usage:
    """The usage of a test with its own function, which runs in the module `shop.tests`."""
    if not unit.startswith(TEST):
        return usage
    number = int(unit.rpartition("_")[2])
    return usage | Usage(functions=frozenset({("shop.tests", 3 + 2 * number)}))
