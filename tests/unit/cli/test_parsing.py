"""What a command does not understand is refused in a sentence, with what was probably meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from ctest_containers.cli import main
from ctest_containers.cli.commands import COMMANDS
from ctest_containers.cli.overview import overview
from ctest_containers.cli.parsing import Parser, near, shown
from ctest_containers.errors import UsageError


def _parser() -> Parser:
    parser = Parser(prog="tool", examples=[("report --list", "List them.")])
    parser.add_argument("--junit", metavar="FILE")
    parser.add_argument("--kind", choices=["xml", "json"])
    parser.add_argument("count", type=int)
    return parser


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["1", "--jnit", "x"], "tool: unknown option --jnit.", "Did you mean --junit?"),
        (["1", "--jnit=x"], "tool: unknown option --jnit.", "Did you mean --junit?"),
        (["1", "--unlike"], "tool: unknown option --unlike.", "See tool --help."),
        (["1", "two"], "tool: unexpected argument 'two'.", "See tool --help."),
        (
            ["1", "--kind", "jsn"],
            "tool: invalid value 'jsn' for --kind.",
            "Did you mean json?",
        ),
        (
            ["1", "--kind", "other"],
            "tool: invalid value 'other' for --kind.",
            "Choose from xml, json.",
        ),
        (
            ["one"],
            "tool: argument count: invalid int value: 'one'.",
            "See tool --help.",
        ),
        ([], "tool: the following arguments are required: count.", "See tool --help."),
    ],
)
def test_what_is_wrong_is_said_with_what_was_meant(
    words: list[str], message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as raised:
        _parser().parse_args(words)

    assert (raised.value.message, raised.value.hint) == (message, hint)


def test_an_option_has_to_be_written_out() -> None:
    with pytest.raises(UsageError, match="tool: unknown option --jun"):
        _parser().parse_args(["1", "--jun", "x"])


def test_help_shows_examples_as_they_are_typed() -> None:
    assert "  python -m ctest_containers report --list\n      List them." in _parser().format_help()
    assert shown([]) is None


@pytest.mark.parametrize(("word", "found"), [("reprot", "report"), ("xyz", "")])
def test_a_near_miss_is_found(word: str, found: str) -> None:
    assert near(word, COMMANDS) == (f"Did you mean {found}?" if found else "")


def test_the_overview_has_every_command_and_fits_80_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["--help"]) == 0

    assert capsys.readouterr().out == overview()
    assert all(f"\n  {name} " in overview() for name in COMMANDS)
    assert max(map(len, overview().splitlines())) <= 80


def test_a_misspelt_command_is_no_label_of_tests(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["reprot"]) == 2
    assert "Did you mean report?" in capsys.readouterr().err
