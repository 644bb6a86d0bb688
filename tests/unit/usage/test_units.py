"""Packed units are looked up by their name, and by what they have used."""

from __future__ import annotations

import pytest
from unit.usage.made_recordings import ran, sent

from ctest_containers.usage.model import Usage
from ctest_containers.usage.packing import Packer, pack, resolved

UNITS = {
    "test a": Usage(files=frozenset({"a.txt"}), statements=(sent("SELECT 1"),)),
    "test b": Usage(files=frozenset({"a.txt", "b.txt"}), statements=(sent("SELECT 2"),)),
    "test c": Usage(),
}


def test_units_have_what_was_packed() -> None:
    units = pack(UNITS)

    assert dict(units) == UNITS
    assert len(units) == 3
    assert "test a" in units
    assert "test d" not in units
    with pytest.raises(KeyError):
        units["test d"]


def test_units_are_found_by_what_they_have_used() -> None:
    units = pack(UNITS)

    assert set(units.names("files")) == {"a.txt", "b.txt"}
    assert units.users("files", {"a.txt", "c.txt"}) == {"test a", "test b"}
    assert units.users("files", {"b.txt"}) == {"test b"}
    assert units.users("files", {"c.txt"}) == set()


def test_units_are_found_by_the_statements_that_they_have_sent() -> None:
    units = pack(UNITS)

    assert set(units.statement_texts()) == {("default", "SELECT 1"), ("default", "SELECT 2")}
    assert units.statement_users({("default", "SELECT 2")}) == {"test b"}
    assert units.statement_users({("other", "SELECT 2")}) == set()


def test_a_unit_that_is_added_again_replaces_the_first() -> None:
    packer = Packer()
    packer.add("test a", ran("before"))
    packer.add("test b", ran("other"))
    packer.add("test a", ran("after"))

    units = packer.packed()

    assert dict(units) == {"test a": ran("after"), "test b": ran("other")}
    assert set(units.names("definitions")) == {("shop.views", "after"), ("shop.views", "other")}


def test_names_of_units_that_are_left_out_are_forgotten() -> None:
    packer = Packer()
    packer.copy(pack(UNITS), ["test c", "test b"])

    units = packer.packed()

    assert dict(units) == {"test b": UNITS["test b"], "test c": UNITS["test c"]}
    assert units.statement_texts() == [("default", "SELECT 2")]


def test_functions_are_replaced_with_their_definitions() -> None:
    lines = Usage(functions=frozenset({("shop.views", 3), ("shop.views", 5), ("shop.views", 9)}))
    names = {3: "Cart.total", 5: "Cart.total", 9: "index"}

    units = resolved(
        pack({"test a": lines, "test b": Usage()}),
        lambda function: (function[0], names[function[1]]),
    )

    assert dict(units) == {"test a": ran("Cart.total", "index"), "test b": Usage()}
    assert units.users("definitions", {("shop.views", "Cart.total")}) == {"test a"}
