"""Fields of states are taken apart once, and their copies are those that Django makes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest
from django.db import models
from django.db.models import fields
from django.db.models.fields import related
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ctest_containers.rendering.cloning import cloning_from_parts

pytestmark = pytest.mark.usefixtures("configured_django")


def kinds_of(module: Any) -> list[Any]:
    """The classes of fields that a module has, in an order that stays the same."""
    kinds = {kind for kind in vars(module).values() if type(kind) is type}
    own = {kind for kind in kinds if issubclass(kind, models.Field)}
    return sorted(own, key=lambda kind: kind.__name__)


OPTIONS: dict[str, st.SearchStrategy[Any]] = {
    "max_length": st.sampled_from([None, 20, 300]),
    "null": st.booleans(),
    "unique": st.booleans(),
    "blank": st.booleans(),
    "db_index": st.booleans(),
    "default": st.sampled_from([None, 1, "x", dict]),
    "editable": st.booleans(),
    "choices": st.sampled_from([None, [("a", "A")], (("b", "B"), ("c", "C"))]),
    "help_text": st.sampled_from(["", "Help"]),
    "db_column": st.sampled_from([None, "column"]),
    "validators": st.sampled_from([[], [print]]),
    "error_messages": st.sampled_from([None, {"blank": "No"}]),
    "verbose_name": st.sampled_from([None, "name"]),
}
"""Attributes of fields, and arguments of the same name."""

RELATIONS: dict[str, st.SearchStrategy[Any]] = {
    "to": st.sampled_from(["shop.Item", "auth.User", "self"]),
    "on_delete": st.sampled_from([models.CASCADE, models.PROTECT]),
    "related_name": st.sampled_from([None, "items", "+"]),
    "limit_choices_to": st.sampled_from([None, {"id": 1}]),
    "through": st.sampled_from([None, "shop.Link"]),
    "parent_link": st.booleans(),
    "db_constraint": st.booleans(),
    "to_field": st.sampled_from([None, "code"]),
}
"""Arguments of fields with relations."""

CHANGES_OF_RELATIONS: dict[str, st.SearchStrategy[Any]] = {
    "field_name": st.sampled_from([None, "code", "number"]),
    "model": st.sampled_from(["shop.Item", "shop.Other"]),
    "related_name": st.sampled_from([None, "items"]),
    "limit_choices_to": st.sampled_from([{}, {"id": 2}]),
}
"""Attributes of relations that operations change in place."""


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The fields that are taken apart, while the toolkit's way is in use."""
    taken_apart: list[Any] = []
    deconstruct = models.Field.deconstruct

    class Counting(models.CharField):  # type: ignore[type-arg]
        def deconstruct(self) -> Any:
            taken_apart.append(self)
            return deconstruct(self)

    method = Counting.deconstruct
    # It is Django's own as far as its file says.
    code = method.__code__.replace(co_filename=deconstruct.__code__.co_filename)
    monkeypatch.setattr(method, "__code__", code)
    monkeypatch.setattr(Counting, "__module__", fields.__name__)
    monkeypatch.setattr(fields, "Counting", Counting, raising=False)
    with cloning_from_parts():
        yield taken_apart


@settings(max_examples=200)
@given(
    kind=st.one_of(st.sampled_from(kinds_of(fields)), st.sampled_from(kinds_of(related))),
    data=st.data(),
)
def test_copies_are_those_that_django_makes(kind: Callable[..., Any], data: st.DataObject) -> None:
    field = data.draw(fields_of(kind))
    own = st.sampled_from([*OPTIONS])
    changes = data.draw(st.lists(st.one_of(own, st.sampled_from([*CHANGES_OF_RELATIONS]))))
    with cloning_from_parts():
        clone = models.Field.clone
    for attribute in ["", *changes]:
        change_in_place(field, attribute, data)
        try:
            expected = attributes_of(field.clone())
        except KeyError:
            # An automatic field that may not be blank any more cannot be copied.
            return
        copies = [clone(field), clone(field)]
        assert [attributes_of(copy) for copy in copies] == [expected, expected]
        assert copies[0].creation_counter < copies[1].creation_counter


@st.composite
def fields_of(draw: st.DrawFn, kind: Callable[..., Any]) -> Any:
    """A field of a kind, with arguments that it accepts."""
    accepted = inspect.signature(kind).parameters
    arguments = draw(st.fixed_dictionaries({}, optional=OPTIONS))
    if kind is models.DecimalField:
        arguments |= {"max_digits": 5, "decimal_places": 2}
    bases = cast("type", kind).__mro__
    if fields.AutoFieldMixin in bases:
        arguments["primary_key"] = True
    if related.RelatedField in bases:
        if kind is related.ForeignObject:
            arguments |= {"from_fields": ["a"], "to_fields": ["b"]}
        for name, values in RELATIONS.items():
            if name in accepted or name in {"parent_link", "limit_choices_to", "related_name"}:
                arguments[name] = draw(values)
    try:
        return kind(**arguments)
    except (TypeError, ValueError):
        assume(condition=False)


def change_in_place(field: Any, attribute: str, data: st.DataObject) -> None:
    """Change an attribute of a field, or of its relation, as operations do."""
    relation = field.remote_field
    if attribute in CHANGES_OF_RELATIONS and relation is not None:
        setattr(relation, attribute, data.draw(CHANGES_OF_RELATIONS[attribute]))
    elif attribute in OPTIONS:
        name = attribute if attribute in vars(field) else f"_{attribute}"
        setattr(field, name, data.draw(OPTIONS[attribute]))


def attributes_of(field: Any) -> dict[str, Any]:
    """What a field is, without what each copy has of its own."""
    attributes = {**vars(field)}
    del attributes["creation_counter"]
    if field.remote_field is not None:
        relation = {**vars(field.remote_field)}
        assert relation.pop("field") is field
        attributes["remote_field"] = type(field.remote_field), relation
    return attributes


def test_a_field_is_taken_apart_once(counted: list[Any]) -> None:
    field = vars(fields)["Counting"](max_length=20)

    copies = [field.clone() for _ in range(3)]

    assert counted == [field]
    assert [copy.max_length for copy in copies] == [20, 20, 20]


def test_a_field_that_has_changed_is_taken_apart_again(
    counted: list[Any],
) -> None:
    field = vars(fields)["Counting"](max_length=20)
    field.clone()

    field.max_length = 30

    assert field.clone().max_length == 30
    assert counted == [field, field]


def test_a_field_whose_relation_has_changed_is_taken_apart_again() -> None:
    field: Any = models.ForeignKey("shop.Item", models.CASCADE)
    with cloning_from_parts():
        field.clone()

        # As `ProjectState.rename_field` does.
        field.remote_field.field_name = "code"

        assert field.clone().remote_field.field_name == "code"


def test_a_field_that_gets_a_validator_is_taken_apart_again() -> None:
    field: Any = models.CharField(max_length=20)
    with cloning_from_parts():
        field.clone()

        field._validators.append(print)

        assert field.clone()._validators == [print]


def test_a_method_that_is_no_function_is_called_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    deconstruct = functools.partialmethod(models.UUIDField.deconstruct)
    monkeypatch.setattr(models.UUIDField, "deconstruct", deconstruct)
    field: Any = models.UUIDField(null=True)
    with cloning_from_parts():
        assert field.clone().null


def test_copies_share_no_list_of_choices(counted: list[Any]) -> None:
    field = vars(fields)["Counting"](choices=[("a", "A")], validators=[print])
    first, second = field.clone(), field.clone()

    first.choices.append(("b", "B"))

    assert second.choices == field.choices == [("a", "A")]
    assert counted == [field, field, field, field]


def test_a_field_of_a_project_is_taken_apart_by_its_own_method_each_time() -> None:
    calls = []

    class Own(models.IntegerField):  # type: ignore[type-arg]
        def deconstruct(self) -> Any:
            calls.append(self)
            return super().deconstruct()

    field = Own()
    with cloning_from_parts():
        field.clone()
        field.clone()

    assert calls == [field, field]


def test_a_method_of_django_that_is_replaced_is_called_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    deconstruct = models.UUIDField.deconstruct

    def replacement(field: Any) -> Any:
        calls.append(field)
        return deconstruct(field)

    monkeypatch.setattr(models.UUIDField, "deconstruct", replacement)
    field: Any = models.UUIDField()
    with cloning_from_parts():
        field.clone()
        field.clone()

    assert calls == [field, field]
