"""Shells complete commands, options and files with the script that `completion` prints."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ctest_containers.cli import main
from ctest_containers.cli.commands import COMMANDS
from ctest_containers.cli.commands.completion import command_tree, make_parser
from ctest_containers.exit_codes import ExitCode

ASK = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
complete_it=$(complete -p ctest-containers | sed 's/.* -F \\([^ ]*\\).*/\\1/')
"$complete_it" ctest-containers "${COMP_WORDS[COMP_CWORD]}"
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The script for bash, made outside of any project."""
    folder = tmp_path_factory.mktemp("completion")
    made = folder / "ctest-containers"
    with made.open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "ctest_containers", "completion", "bash"],
            stdout=out,
            check=True,
            cwd=Path(__file__).parents[3],
        )
    return made


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rep"], ["report"]),
        (["run", "--jun"], ["--junit"]),
        (["doctor", "--js"], ["--json"]),
        (["plan", "--max-w"], ["--max-workers"]),
        (["template", "exp"], ["explain"]),
        (["template", "explain", "--regi"], ["--registry"]),
        (["timings", "imp"], ["import"]),
        (["completion", ""], ["bash", "zsh", "tcsh"]),
        (["run", "--junit", "/etc/host"], ["/etc/hosts"]),
    ],
)
def test_bash_completes(script: Path, words: list[str], expected: list[str]) -> None:
    asked = subprocess.run(
        ["bash", "-c", ASK, "ask", script, "ctest-containers", *words],
        capture_output=True,
        text=True,
        check=True,
    )

    assert asked.stderr == ""
    assert set(expected) <= set(asked.stdout.split())


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_have_a_script_as_well(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    assert main(["completion", shell]) == ExitCode.PASSED

    script = capsys.readouterr().out
    assert "ctest-containers" in script
    assert "report" in script


def test_every_command_is_completed() -> None:
    (commands,) = [one for one in command_tree()._actions if one.choices]

    assert list(commands.choices or ()) == list(COMMANDS)


def test_what_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ctest_containers.cli.commands.completion.find_spec", lambda _: None)

    assert main(["completion", "bash"]) == ExitCode.SETUP_FAILED

    told = capsys.readouterr()
    assert told.out == ""
    assert "Run pip install 'ctest-containers[completion]'." in told.err


def test_its_help_says_how_to_install_it() -> None:
    told = make_parser().format_help()

    assert "ctest-containers completion bash > $d/ctest-containers" in told
    assert max(map(len, told.splitlines())) <= 80
