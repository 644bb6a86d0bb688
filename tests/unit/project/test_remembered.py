"""What a connection remembers of its server is carried to other processes as text."""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils.functional import cached_property

from ctest_containers.project.remembered import facts_of, remember_facts


class Features:
    """A stand-in for Django's features."""

    __module__ = "django.db.backends.any.features"

    @cached_property
    def has_json(self) -> bool:
        raise AssertionError("The server was queried.")

    @functools.cached_property
    def types(self) -> Any:
        raise AssertionError("The server was queried.")


class Connection:
    """A stand-in for Django's connection."""

    __module__ = "django.db.backends.any.base"
    vendor = "postgresql"

    def __init__(self, **options: object) -> None:
        self.settings_dict = {"OPTIONS": options}
        self.features = Features()
        self.other = "no property"

    @cached_property
    def version(self) -> Any:
        raise AssertionError("The server was queried.")


@pytest.mark.parametrize(
    "value", [None, True, 17, 1.5, "text", (8, 0, 45), {"a": [1, (2,)], "b": {3}}]
)
def test_values_are_the_same_in_another_process(value: object) -> None:
    first, second = Connection(), Connection(host="another")
    vars(first).update(version=value)
    vars(first.features).update(has_json=True, types=value)

    remember_facts(second, facts_of(first))

    assert second.version == value
    assert type(second.version) is type(value)
    assert second.features.types == value
    assert second.features.has_json is True


def test_values_without_a_literal_are_queried_again() -> None:
    first, second = Connection(), Connection()
    vars(first).update(version=SimpleNamespace())
    vars(first.features).update(has_json=True)

    remember_facts(second, facts_of(first))

    assert second.features.has_json
    with pytest.raises(AssertionError):
        _ = second.version


def test_a_connection_with_other_options_remembers_nothing() -> None:
    first = Connection(sql_mode="TRADITIONAL")
    vars(first).update(version=1)
    second = Connection()

    remember_facts(second, facts_of(first))

    assert "version" not in vars(second)


def test_a_connection_that_has_asked_nothing_has_no_facts() -> None:
    assert facts_of(Connection()) == {}
    remember_facts(Connection(), {})
    remember_facts(Connection(), {"gone": "1", **facts_of(Connection())})


def test_what_somebody_elses_backend_remembers_is_not_told() -> None:
    class Cloud(Connection):
        @cached_property
        def token(self) -> str:
            return "secret"

    first = Cloud()
    vars(first).update(version=1)
    assert first.token == "secret"

    assert "secret" not in str(facts_of(first))
    assert "version" in facts_of(first)
