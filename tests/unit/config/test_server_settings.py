"""Settings for database servers come as a text or as a dictionary, for one vendor or for all."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.config.server_settings import (
    ServerSetting,
    check_vendors,
    parse_server_settings,
    settings_of,
)
from ctest_containers.errors import UsageError

NAMES = st.from_regex(r"[a-z_][a-z0-9_]{0,12}", fullmatch=True)
VALUES = st.text(st.characters(codec="ascii", exclude_characters=",=\n\0"), max_size=9)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("wal_level=replica", [("", "wal_level", "replica")]),
        (" a = 1 , b= 2,", [("", "a", "1"), ("", "b", "2")]),
        ("mysql.event_scheduler=ON", [("mysql", "event_scheduler", "ON")]),
        ("auto_explain.log_analyze=on", [("", "auto_explain.log_analyze", "on")]),
        ("preload=a,b,work_mem=1MB", [("", "preload", "a,b"), ("", "work_mem", "1MB")]),
        ("a=1,a=2", [("", "a", "2")]),
        ({"wal_level": "logical"}, [("", "wal_level", "logical")]),
        (
            {"max_connections": 20, "jit": False},
            [("", "jit", "off"), ("", "max_connections", "20")],
        ),
        (
            {"postgresql": {"jit": True}, "a": "b=c,d"},
            [("", "a", "b=c,d"), ("postgresql", "jit", "on")],
        ),
    ],
)
def test_settings_are_names_and_values(value: Any, expected: list[tuple[str, str, str]]) -> None:
    assert list(parse_server_settings(value)) == [ServerSetting(*one) for one in expected]


@pytest.mark.parametrize(
    "value",
    [
        *("", ",", "wal_level", "=1", "1a=2", "a b=1"),
        *({}, {"a": None}, {"a": [1]}, {"a": "1\n2"}),
        *({"oracle": {"a": 1}}, {"mysql": {"a": {"b": 1}}}),
    ],
)
def test_an_invalid_value_is_refused_and_the_error_describes_the_format(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^must be NAME=VALUE or VENDOR\.NAME=VALUE"):
        parse_server_settings(value)


@given(st.dictionaries(NAMES, VALUES, min_size=1))
def test_a_text_and_a_dictionary_mean_the_same(settings: dict[str, str]) -> None:
    text = ",".join(f"{name}={value}" for name, value in settings.items())

    assert parse_server_settings(text) == parse_server_settings(settings)


def test_a_setting_that_names_a_vendor_takes_precedence_there() -> None:
    settings = parse_server_settings("max_connections=5,mysql.max-connections=7,postgresql.jit=on")

    assert settings_of(settings, "mysql") == (("max-connections", "7"),)
    assert settings_of(settings, "postgresql") == (("jit", "on"), ("max_connections", "5"))


def test_with_servers_of_several_vendors_each_setting_has_to_name_its_own() -> None:
    settings = parse_server_settings("jit=on,mysql.event_scheduler=ON")

    check_vendors(settings, {"postgresql"})
    with pytest.raises(UsageError, match="does not name a vendor for jit, but") as error:
        check_vendors(settings, {"postgresql", "mysql"})

    assert error.value.hint == "Write mysql.jit or postgresql.jit."
