"""Snapshots show what has changed, as a developer names it, without running the project's code."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ctest_containers.hunt.state import interpreter
from ctest_containers.hunt.state.facts import Change, Fact, Key, changes
from ctest_containers.hunt.state.observer import Observation, left_behind
from ctest_containers.hunt.state.values import Identity, name_of, place_of, shown, shown_as, token

HERE = Path(__file__).resolve().parent


class Hostile:
    """Fails whenever something is asked of it."""

    def __getattribute__(self, name: str) -> Any:
        raise AssertionError(name)

    def __eq__(self, other: object) -> bool:
        raise AssertionError

    def __hash__(self) -> int:
        raise AssertionError

    def __repr__(self) -> str:
        raise AssertionError


@pytest.mark.parametrize(
    ("before", "after"),
    [(1, 2), (1, True), ([1], [1, 2]), ({"a": [1]}, {"a": [2]}), ({1}, {2}), ("a", b"a")],
)
def test_a_changed_value_has_another_token(before: object, after: object) -> None:
    assert token(before) != token(after)
    assert token(before) == token(before)


def test_a_container_that_changes_in_place_has_another_token() -> None:
    currencies = ["EUR"]
    before = token(currencies)

    currencies.append("USD")

    assert token(currencies) != before


def test_objects_are_compared_by_identity_and_not_asked_anything() -> None:
    hostile = Hostile()

    assert token([hostile]) == token([hostile])
    assert token([hostile]) != token([Hostile()])
    assert shown([hostile]) == "[<Hostile object>]"


def test_a_container_in_itself_has_a_token() -> None:
    endless: list[object] = []
    endless.append(endless)

    assert token(endless) == token(endless)


def test_attributes_of_the_projects_own_objects_are_compared() -> None:
    class Basket:
        def __init__(self) -> None:
            self.items = ["book"]

    basket, package = Basket(), __name__.partition(".")[0]
    before = token(basket, into=(package,))

    basket.items.append("pen")

    assert token(basket, into=(package,)) != before


def test_values_are_shown_in_few_characters_and_secrets_not_at_all() -> None:
    assert shown("x" * 200) == "'" + "x" * 78 + "…"
    assert shown(list(range(9))) == "[0, 1, 2, 3, 4, …]"
    assert shown({"a": {"b": 1}}) == "{'a': {'b': 1}}"
    assert shown_as("SECRET_KEY", "hidden") == "***"
    assert shown_as("DATABASES", {"PASSWORD": "hidden", "NAME": "shop"}) == (
        "{'PASSWORD': ***, 'NAME': 'shop'}"
    )


def test_a_function_has_its_name_and_its_place() -> None:
    assert name_of(shown_as).endswith("values.shown_as")
    assert place_of(_place_me, HERE).startswith("test_state.py:")
    assert place_of(len, HERE) == ""


def _place_me() -> None:
    """A function with a place."""


def test_differences_of_snapshots_are_described() -> None:
    before = {
        Key("settings", "RATE"): Fact(1, "0.1"),
        Key("files", "a.txt"): Fact(1, "4 bytes"),
        Key("patches", "shop.total"): Fact(Identity(1), "", "shop/models.py:3"),
    }
    after = {
        Key("settings", "RATE"): Fact(2, "0.2"),
        Key("threads", "the thread 'poller'"): Fact(1, "runs shop.poll"),
        Key("patches", "shop.total"): Fact(Identity("2"), "", "shop/tests.py:9"),
        Key("logging", "the logger 'new', level"): Fact("INFO", "INFO", is_lazy=True),
    }
    before[Key("patches", "requests.get")] = Fact(Identity(_place_me), is_lazy=True)
    before[Key("module globals", "shop.f")] = Fact(Identity(print))
    after[Key("module globals", "shop.f")] = Fact(Identity(_place_me))

    assert [str(change) for change in changes(before, after, HERE)] == [
        "RATE: 0.1 -> 0.2",
        "the thread 'poller' was added (runs shop.poll)",
        "shop.total was replaced (shop/tests.py:9)",
        f"shop.f was replaced ({place_of(_place_me, HERE)})",
        "a.txt was removed (4 bytes)",
        "requests.get was replaced",
    ]


def test_a_change_has_the_tests_that_have_made_it() -> None:
    key = Key("settings", "RATE")
    observations = [
        Observation("", {key: Fact(1, "1")}),
        Observation("shop.A.test_1", {key: Fact(2, "2")}),
        Observation("shop.A.test_2", {key: Fact(2, "2")}),
        Observation("the fixtures of shop.A", {key: Fact(3, "3")}),
    ]

    assert list(left_behind(observations, HERE)) == [
        Change("settings", "RATE", "1 -> 3", ("shop.A.test_1", "the fixtures of shop.A")),
    ]


def test_the_interpreter_is_observed_and_unchanged_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(interpreter.observe())
    assert list(changes(before, dict(interpreter.observe()), HERE)) == []
    wait = threading.Event()
    thread = threading.Thread(target=wait.wait, name="poller")
    thread.start()
    monkeypatch.setenv("SHOP_MODE", "night")
    monkeypatch.setenv("SHOP_TOKEN", "hidden")

    found = [str(change) for change in changes(before, dict(interpreter.observe()), HERE)]

    wait.set()
    thread.join()
    assert found == [
        "os.environ['SHOP_MODE'] was added ('night')",
        "os.environ['SHOP_TOKEN'] was added (***)",
        "the thread 'poller' was added (runs threading.Event.wait)",
    ]
