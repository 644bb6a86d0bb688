"""An option is one row: its name, its sources, help and documentation follow from that."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import pytest
from harness import configuration_table

from ctest_containers import runner
from ctest_containers.config import Config, arguments, resolve
from ctest_containers.errors import UsageError
from ctest_containers.options.option import option
from ctest_containers.options.values import parse_count


@dataclass(frozen=True, kw_only=True)
class WithToy(Config):
    """Every option, and a toy; in the package, the row is in the class of its section."""

    toy_count: int = option(3, parse_count, "N", "The number of toys.", section="toys")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """All who read the table of options read the one with the toy."""
    resolving = sys.modules["ctest_containers.config.resolve"]
    for module in (resolving, arguments, runner, configuration_table):
        monkeypatch.setattr(module, "Config", WithToy)


def _resolved(**sources: object) -> object:
    nothing: dict[str, dict[str, object]] = {"settings": {}, "environment": {}, "options": {}}
    return getattr(resolve(**{**nothing, **sources}), "toy_count")  # type: ignore[arg-type]  # noqa: B009


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        ({}, 3),
        ({"settings": {"TOY_COUNT": 4}}, 4),
        ({"environment": {"CTEST_CONTAINERS_TOY_COUNT": "5"}, "settings": {"TOY_COUNT": 4}}, 5),
        ({"options": {"toy_count": "6"}, "environment": {"CTEST_CONTAINERS_TOY_COUNT": "5"}}, 6),
    ],
)
def test_an_option_is_read_from_every_source(sources: dict[str, object], expected: int) -> None:
    assert _resolved(**sources) == expected


def test_a_bad_value_names_the_source() -> None:
    with pytest.raises(UsageError, match="option --toy-count"):
        _resolved(options={"toy_count": "none"})


def test_an_option_is_one_of_the_command_line_with_help() -> None:
    parser = argparse.ArgumentParser()

    runner.ContainerTestRunner.add_arguments(parser)

    assert parser.parse_args(["--toy-count", "7"]).toy_count == "7"
    assert "The number of toys." in parser.format_help()


def test_an_option_is_in_the_documentation() -> None:
    row = (
        '| `--toy-count N` | `CTEST_CONTAINERS_TOY_COUNT` | `"TOY_COUNT"` | `3` | '
        "The number of toys. |"
    )

    assert row in configuration_table.table()
