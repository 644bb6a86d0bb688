"""Generated projects in which each test checks a number that is computed from many definitions.

A node has a number of its own, to which it adds the values of other nodes. How it does that is a
matter of style: in a function, a class, a constant, a cache, a setting, a file, ... So the tests
whose outcomes a changed number affects are known without a run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Final

from hypothesis import strategies as st

SETTINGS: Final = """\
from pathlib import Path
SECRET_KEY = "s"
INSTALLED_APPS = ["nodes"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {}
"""

MANAGE: Final = """\
import os, sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""

REGISTRY: Final = """\
ALL = {}


def register(function):
    ALL[function.__name__] = function
    return function
"""

HEADER: Final = """\
import asyncio
import functools
import importlib
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from django.conf import settings
from django.template.loader import render_to_string
from nodes.registry import ALL, register
CACHE = {}
"""

BLOCKS: Final = """\
# function: {name}()
def {name}():
    return {sum}

# constant: {name}
{name} = {sum}

# class attribute: {name}.value
class {name}:
    value = {sum}

# method: {name}().value()
class {name}:
    def value(self):
        return {sum}

# property: {name}().value
class {name}:
    @property
    def value(self):
        return {sum}

# static method: {name}.value()
class {name}:
    @staticmethod
    def value():
        return {sum}

# inherited method: {name}().value()
class Base{name}:
    def value(self):
        return {sum}
class {name}(Base{name}):
    pass

# cached: {name}()
@functools.lru_cache
def {name}():
    return {sum}

# memo: {name}()
def {name}():
    if '{name}' not in CACHE:
        CACHE['{name}'] = make_{name}()
    return CACHE['{name}']
def make_{name}():
    return {sum}

# global: {name}()
kept_{name} = None
def {name}():
    global kept_{name}
    if kept_{name} is None:
        kept_{name} = {sum}
    return kept_{name}

# registered: call_{name}()
@register
def {name}():
    return {sum}
def call_{name}():
    return ALL['{name}']()

# default: {name}()
def {name}(value={sum}):
    return value

# closure: {name}()()
def {name}():
    def inner():
        return {sum}
    return inner

# generator: next({name}())
def {name}():
    yield {sum}

# async: asyncio.run({name}())
async def {name}():
    return {sum}

# lambda: {name}['f']()
{name} = {{'f': lambda: {sum}}}

# partial: {name}()
def whole_{name}(value):
    return value + {sum}
{name} = functools.partial(whole_{name}, 0)

# looked up: find_{name}()
def {name}():
    return {sum}
def find_{name}():
    module = importlib.import_module('nodes.{module}')
    return getattr(module, '{name}')()

# setting: {name}()
def {name}():
    return settings.{setting} + {rest}

# setting at import: {name}
{name} = settings.{setting} + {rest}

# file: {name}()
def {name}():
    file = Path(__file__).parent / '{name}.dat'
    return int(file.read_text()) + {rest}

# file at import: {name}
{name} = int((Path(__file__).parent / '{name}.dat').read_text()) + {rest}

# resource file: {name}()
def {name}():
    return int(resources.files('nodes').joinpath('{name}.dat').read_text()) + {rest}

# setting by name at import: {name}
{name} = getattr(settings, '{setting}') + {rest}

# deleted function: {name}
def make_{name}():
    return {sum}
{name} = make_{name}()
del make_{name}

# subclass: {name}()
class Base{name}:
    pass
class Inner{name}(Base{name}):
    value = {sum}
def {name}():
    return Base{name}.__subclasses__()[0].value

# global by name: {name}()
value_{name} = {sum}
def {name}():
    return globals()['value_{name}']

# changed by a call: list_{name}[0]
list_{name} = []
none_{name} = list_{name}.append({sum})

# default factory: {name}().values[0]
@dataclass
class {name}:
    values: list = field(default_factory=lambda: [{sum}])

# object: {name}.value
class Class{name}:
    @functools.cached_property
    def value(self):
        return {sum}
{name} = Class{name}()

# template: {name}()
def {name}():
    return int(render_to_string('{name}.html')) + {rest}
"""

STYLES: Final[Mapping[str, tuple[str, str]]] = {
    style.removeprefix("# "): (code, access)
    for heading, _, code in (block.strip().partition("\n") for block in BLOCKS.split("\n\n"))
    for style, _, access in (heading.partition(": "),)
}
"""How a node computes its value, and how another one asks for it."""

IMPORTS: Final = ("module", "name", "alias", "late", "star")
"""How a node's module imports the nodes that it refers to."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A number, and how it is computed.

    Attributes:
        others: The places of the nodes whose values it adds, all before it.
    """

    number: int
    style: str
    importing: str
    others: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class ValueGraph:
    """A project.

    Attributes:
        tested: The place of each test's node.
        modules: The number of modules.
    """

    nodes: tuple[Node, ...]
    tested: tuple[int, ...]
    modules: int

    def values(self) -> list[int]:
        """The value of each node."""
        values: list[int] = []
        for node in self.nodes:
            values.append(node.number + sum(values[other] for other in node.others))
        return values

    def with_node(self, place: int, node: Node) -> ValueGraph:
        """The project with another node in a place."""
        return replace(self, nodes=(*self.nodes[:place], node, *self.nodes[place + 1 :]))

    def files(self, expected: Sequence[int]) -> dict[str, str]:
        """The text of each file.

        Args:
            expected: The value of each node for which the tests pass.
        """
        settings, files = [SETTINGS], {"manage.py": MANAGE, "nodes/registry.py": REGISTRY}
        files |= {"nodes/__init__.py": "", "nodes/tests.py": self._tests(expected)}
        modules: list[list[str]] = [[HEADER] for _ in range(self.modules)]
        for place, node in enumerate(self.nodes):
            name = f"n{place}"
            modules[self._module(place)].append(self._definition(place))
            if "setting" in node.style:
                settings.append(f"{name.upper()} = {node.number}\n")
            elif "file" in node.style:
                files[f"nodes/{name}.dat"] = str(node.number)
            elif node.style == "template":
                files[f"nodes/templates/{name}.html"] = str(node.number)
        for number, parts in enumerate(modules):
            files[f"nodes/m{number}.py"] = "\n\n".join(parts) + "\n"
        return {**files, "settings.py": "".join(settings)}

    def _module(self, place: int) -> int:
        return place * self.modules // len(self.nodes)

    def _access(self, place: int) -> tuple[str, str]:
        """The name to import for a node's value, and the expression that has the value."""
        expression = STYLES[self.nodes[place].style][1].format(name=f"n{place}")
        (root,) = re.findall(rf"\w*n{place}\b", expression)
        return root, expression

    def _definition(self, place: int) -> str:
        node, module = self.nodes[place], self._module(place)
        imports, terms = [], []
        for other in node.others:
            home = f"m{self._module(other)}"
            root, access = self._access(other)
            if self._module(other) == module:
                terms.append(access)
            elif node.importing == "module":
                imports.append(f"from nodes import {home}")
                terms.append(access.replace(root, f"{home}.{root}"))
            elif node.importing == "alias":
                imports.append(f"from nodes.{home} import {root} as a{place}_{other}")
                terms.append(access.replace(root, f"a{place}_{other}"))
            elif node.importing == "late":
                terms.append(
                    access.replace(root, f"importlib.import_module('nodes.{home}').{root}")
                )
            else:
                wanted = "*" if node.importing == "star" else root
                imports.append(f"from nodes.{home} import {wanted}")
                terms.append(access)
        rest = " + ".join(["0", *terms])
        text = STYLES[node.style][0].format(
            name=f"n{place}",
            module=f"m{module}",
            setting=f"N{place}",
            number=node.number,
            rest=rest,
            sum=f"{node.number} + {rest}",
        )
        return "\n".join([*imports, text])

    def _tests(self, expected: Sequence[int]) -> str:
        lines = ["import asyncio", "from django.test import SimpleTestCase"]
        lines += [f"from nodes import m{number}" for number in range(self.modules)]
        for number, place in enumerate(self.tested):
            root, access = self._access(place)
            access = access.replace(root, f"m{self._module(place)}.{root}")
            if number % 4 == 0:
                lines.append(f"class Tests{number // 4}(SimpleTestCase):")
            test = f"def test_{number}(self):\n    self.assertEqual({access}, {expected[place]})"
            lines.append(indent(test, "    "))
        return "\n".join(lines) + "\n"

    def affected(self, changed: ValueGraph) -> set[str]:
        """The tests that fail in the changed project if they expect the values of this one."""
        before, after = self.values(), changed.values()
        return {
            f"nodes.tests.Tests{number // 4}.test_{number}"
            for number, place in enumerate(self.tested)
            if before[place] != after[place]
        }


@st.composite
def value_graphs(draw: st.DrawFn) -> ValueGraph:
    """A project."""
    count = draw(st.integers(3, 12))
    nodes = tuple(
        Node(
            number=draw(st.integers(0, 50)),
            style=draw(st.sampled_from(sorted(STYLES))),
            importing=draw(st.sampled_from(IMPORTS)),
            others=tuple(draw(st.sets(st.integers(0, place - 1), max_size=2)) if place else ()),
        )
        for place in range(count)
    )
    tested = tuple(draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=8)))
    return ValueGraph(nodes=nodes, tested=tested, modules=draw(st.integers(1, 4)))


@st.composite
def changed_graphs(draw: st.DrawFn, graph: ValueGraph) -> ValueGraph:
    """The project with one node that has another number, or adds other values."""
    place = draw(st.integers(0, len(graph.nodes) - 1))
    node = graph.nodes[place]
    if place and draw(st.integers(0, 3)) == 0:
        others = tuple(draw(st.sets(st.integers(0, place - 1), max_size=2)))
        return graph.with_node(place, replace(node, others=others))
    return graph.with_node(place, replace(node, number=node.number + draw(st.integers(1, 9))))
