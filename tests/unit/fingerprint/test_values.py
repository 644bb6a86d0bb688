"""Values have the same text wherever the same code defines them, and another if they differ."""

from __future__ import annotations

import collections
import datetime as dt
import enum
import functools
import operator
import os
import re
import string
import subprocess
import sys
import threading
import time
from fractions import Fraction
from ipaddress import ip_network
from pathlib import PurePosixPath
from types import MappingProxyType, SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils.functional import SimpleLazyObject

from ctest_containers.fingerprint.state import describe_state, state_of
from ctest_containers.fingerprint.values import describe


class Role:
    """A project's own object."""

    def __init__(self, name: Any) -> None:
        self.name = name

    @functools.cached_property
    def length(self) -> int:
        """Kept when somebody asks."""
        return len(self.name)

    def greet(self) -> None:
        """A method."""


class Anything:
    """Answers to any name."""

    def __getattr__(self, name: str) -> Anything:
        return self

    def __call__(self) -> None:
        """Gives nothing."""


class Color(enum.Enum):
    """Some colors."""

    RED = 1


class Level(enum.IntEnum):
    """Numbers with names."""

    LOW = 1
    HIGH = 2


class Slotted:
    """An object without a dictionary."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


def with_attributes(name: str = "Rows", **attributes: Any) -> type:
    """A class of a project's."""
    return type(name, (Role,), {"__module__": "shop.rows", **attributes})


class Named(str):  # noqa: SLOT000  # Those of a project have none either.
    """A text that knows more."""

    level = 0


def named(text: str, level: int) -> Named:
    """One that knows this."""
    made = Named(text)
    made.level = level
    return made


def with_a_name(number: int) -> Any:
    """A function with an attribute set on it."""
    function = with_default(0)
    function.number = number
    return function


def with_property(function: Any) -> type:
    """A class with a property."""
    return with_attributes(number=property(function))


def with_label(label: str) -> Any:
    """An enumeration whose members have a label."""

    class Kind(enum.Enum):
        ONE = 1

        def __init__(self, _: int) -> None:
            self.label = label

    return Kind.ONE


def with_default(default: Any) -> Any:
    """A function of a project's with a default that is decided when it is defined."""

    def function(value: Any = default) -> Any:
        return value

    return function


def enclosing(value: Any) -> Any:
    """A function with a value that it gets when it is defined."""

    def function() -> Any:
        return value

    return function


@functools.lru_cache
def cached(_: int = 1) -> None:
    """A function whose answers are kept."""


def first(*_: object) -> None:
    """A function."""


def second(*_: object) -> None:
    """Another one."""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"a": first}, {"a": second}),
        ({"a": first}, {"a": first, "b": second}),
        ([Role("a")], [Role("b")]),
        ({"a": [Role("a")]}, {"a": [Role("a"), Role("a")]}),
        (functools.partial(first, 1), functools.partial(first, 2)),
        ({Color.RED}, {Role}),
        (Level.LOW, Level.HIGH),
        ([Level.LOW], [Level.HIGH]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([Role("a"), Role("b"), Role("c")], [Role("a"), Role("b"), Role("d")]),
        (collections.deque([1]), collections.deque([2])),
        (Role(first), Role(second)),
        (re.compile("a" * 300 + "b"), re.compile("a" * 300 + "c")),
        (re.compile("<a>"), re.compile("<a>", re.IGNORECASE)),
        (PurePosixPath("<a>"), PurePosixPath("<b>")),
        ([*range(20_000), 1], [*range(20_000), 2]),
        (Slotted("a"), Slotted("b")),
        (with_attributes(ROWS=[1]), with_attributes(ROWS=[2])),
        ({"a": with_attributes(ROWS=[1])}, {"a": with_attributes(ROWS=[2])}),
        (with_attributes(ROWS=[1])("a"), with_attributes(ROWS=[2])("a")),
        (with_attributes(greet=Role.greet), with_attributes(greet=first)),
        (with_attributes(greet=staticmethod(first)), with_attributes(greet=staticmethod(second))),
        (with_attributes(color=Color), with_attributes(color=Level)),
        ([with_default(1)], [with_default(2)]),
        (enclosing({"a": 1}), enclosing({"a": 2})),
        (enclosing(with_default(1)), enclosing(with_default(2))),
        (Role("a").greet, Role("b").greet),
        ({"a": cached}, {"a": first}),
        (range(2), range(5)),
        (ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Paris")),
        (dt.timezone.utc, dt.timezone(dt.timedelta(hours=1))),
        (SimpleNamespace(a=1), SimpleNamespace(a=2)),
        (Fraction(1, 2), Fraction(1, 3)),
        (ip_network("10.0.0.0/8"), ip_network("10.0.0.0/16")),
        (string.Template("$a"), string.Template("$b")),
        (operator.itemgetter(1), operator.itemgetter(2)),
        (bytearray(b"a"), bytearray(b"b")),
        (MappingProxyType({"a": 1}), MappingProxyType({"a": 2})),
        (collections.OrderedDict(a=1), collections.OrderedDict(a=2)),
        (collections.defaultdict(int), collections.defaultdict(list)),
        ((1, 2), [1, 2]),
        (ValueError("a"), ValueError("b")),
        (named("a", 1), named("a", 2)),
        ([named("a", 1)], [named("a", 2)]),
        (with_a_name(1), with_a_name(2)),
        ({"a": lambda: "a"}, {"a": lambda: "b"}),
        (with_attributes(f=staticmethod(lambda: 1)), with_attributes(f=staticmethod(lambda: 2))),
        (
            with_attributes(n=property(with_default(1))),
            with_attributes(n=property(with_default(2))),
        ),
        (with_label("a"), with_label("b")),
    ],
)
def test_a_change_of_what_is_in_a_value_shows(before: Any, after: Any) -> None:
    assert describe(state_of(before)) == describe(state_of(before))
    assert describe(state_of(before)) != describe(state_of(after))


def test_what_differs_from_process_to_process_does_not_show() -> None:
    for make in (object, threading.Lock, Anything, lambda: Role(threading.Lock())):
        assert describe(state_of([make()])) == describe(state_of([make()]))


@pytest.mark.parametrize(
    "make",
    [dt.datetime.now, lambda: dt.datetime.now(dt.timezone.utc), time.time,
     lambda: dt.datetime.now(dt.timezone.utc).replace(tzinfo=None), lambda: int(time.time())],
)  # fmt: skip
def test_a_moment_of_this_process_is_no_other_one_in_the_next(make: Any) -> None:
    first_text = describe([make()])
    time.sleep(0.001)

    assert describe([make()]) == first_text
    assert describe([dt.datetime(2026, 1, 1)]) != first_text  # noqa: DTZ001
    assert describe([1.5]) == "[1.5]"


def test_the_order_of_hashes_does_not_show() -> None:
    code = """if True:
        from ctest_containers.fingerprint.state import state_of
        from ctest_containers.fingerprint.values import describe
        shared = [1]
        kinds = {type(name, (), {"rows": shared, "__module__": "shop"}) for name in "abcdef"}
        print(describe(state_of([kinds, {"a", "b", "c"}])))
    """
    texts = {
        subprocess.check_output(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}
        )
        for seed in "123"
    }

    assert len(texts) == 1


def test_what_is_kept_when_somebody_asks_does_not_show() -> None:
    asked, other = Role("a"), Role("a")

    assert asked.length == 1
    assert describe(state_of(asked)) == describe(state_of(other))


class Raising:
    """An object that wants to be left alone."""

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)

    def __repr__(self) -> str:
        raise KeyError

    __hash__ = object.__hash__


def nested(depth: int) -> Any:
    """Lists in lists."""
    value: Any = []
    for _ in range(depth):
        value = [Role(value)]
    return value


@pytest.mark.parametrize(
    "make",
    [Raising, lambda: [Raising()], lambda: {Raising()}, lambda: nested(5_000),
     lambda: SimpleLazyObject(lambda: 1 / 0), lambda: os.environ, lambda: sys.modules],
    ids=["an object", "in a list", "in a set", "deep", "lazy", "variables", "modules"],
)  # fmt: skip
def test_no_object_is_asked_for_what_may_do_something(make: Any) -> None:
    value = make()

    assert describe_state(value) == describe_state(value)


def test_what_is_in_a_set_is_described_in_whatever_order() -> None:
    shared = [1]
    texts = {describe(state_of({Role(shared), Role(shared), Role(2)})) for _ in range(20)}

    assert len(texts) == 1


def test_a_value_that_contains_itself_has_a_text() -> None:
    role: Any = Role("a")
    role.friends = [role]

    assert "Role" in describe(state_of(role))
