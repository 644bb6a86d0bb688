"""A command is one module with its flags and its handler, and one row of the table of commands."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ctest_containers.cli import commands, main
from ctest_containers.cli.commands.completion import command_tree
from ctest_containers.cli.overview import overview

MODULE = '''
"""`toy`: prints a word."""

from ctest_containers.cli.command import Command
from ctest_containers.cli.option_types import count
from ctest_containers.cli.parsing import PROGRAM, Parser


def make_parser():
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} toy", description="Prints a word.", examples=[("toy bear", "Print bear.")]
    )
    parser.add_argument("word")
    parser.add_argument("--times", type=count, default=1, help="how often")
    return parser


def toy(arguments):
    """Print the word."""
    options = make_parser().parse_args(arguments)
    print(" ".join([options.word] * options.times))
    return 0


COMMAND = Command(handle=toy, make_parser=make_parser)
'''

PROJECT_MODULE = '''
"""`toy`: prints the tests that the labels select."""

from ctest_containers.cli.project_command import ProjectCommand


def print_labels(runner, test_labels):
    """Print the labels, and fail if there are none."""
    print("labels:", *test_labels, runner.failfast, type(runner).__name__)
    return 0 if test_labels else 1


COMMAND = ProjectCommand(
    name="toy",
    action=print_labels,
    description="Prints labels.",
    examples=[("shop", "Print shop.")],
).register()
'''

SETTINGS = """
SECRET_KEY = "x"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "toy.sqlite3"}}
TEST_RUNNER = "toys.ToyRunner"
"""

RUNNER = """
from django.test.runner import DiscoverRunner


class ToyRunner(DiscoverRunner):
    def run_tests(self, *arguments, **options):
        raise AssertionError("Tests are run.")
"""

PROGRAM = """
import sys
from ctest_containers.cli import commands, main
commands.__path__.append("modules")
commands.COMMANDS["toy"] = "print labels"
sys.exit(main(["toy", *sys.argv[1:]]))
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the toy: the module, and the row."""
    (tmp_path / "toy.py").write_text(MODULE)
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    monkeypatch.setitem(commands.COMMANDS, "toy", "print a word")
    monkeypatch.delitem(sys.modules, f"{commands.__name__}.toy", raising=False)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a project whose own runner is combined, and the module of a command."""
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "toy.py").write_text(PROJECT_MODULE)
    (tmp_path / "toy_settings.py").write_text(SETTINGS)
    (tmp_path / "toys.py").write_text(RUNNER)
    return tmp_path


def _run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "--settings=toy_settings"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.usefixtures("toy")
def test_a_command_has_its_flags_and_its_handler(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["toy", "bear", "--times", "2"]) == 0

    assert capsys.readouterr().out == "bear bear\n"


@pytest.mark.usefixtures("toy")
def test_errors_and_help_of_a_command_are_as_those_of_all_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["toy", "--tmes", "2", "bear"]) == 2
    assert "Did you mean --times?" in capsys.readouterr().err

    with pytest.raises(SystemExit):
        main(["toy", "--help"])
    assert "python -m ctest_containers toy bear" in capsys.readouterr().out


@pytest.mark.usefixtures("toy")
def test_a_command_is_listed_and_completed() -> None:
    (subcommands,) = [action for action in command_tree()._actions if action.choices]

    assert "  toy         print a word\n" in overview()
    assert isinstance(subcommands.choices, dict)
    assert "--times" in subcommands.choices["toy"]._option_string_actions


def test_a_command_can_act_in_place_of_the_projects_tests(project: Path) -> None:
    """It has the options of `run`, and the project's own runner."""
    done = _run(project, "a.b", "--failfast")

    assert (done.returncode, done.stdout) == (0, "labels: a.b True ToyRunner\n"), done.stderr


def test_an_action_that_finds_failures_ends_as_failed_tests_do(project: Path) -> None:
    assert _run(project).returncode == 1


def test_a_command_in_the_projects_runner_has_help_of_its_own(project: Path) -> None:
    done = _run(project, "--help")

    assert "Prints labels." in done.stdout
    assert "python -m ctest_containers toy shop" in done.stdout
    assert "--max-workers" in done.stdout


def test_help_of_all_commands_loads_no_command() -> None:
    program = (
        "import json, sys; from ctest_containers.cli import main; main(['--help']);"
        "sys.stderr.write(json.dumps([name for name in sys.modules if '.commands.' in name]))"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert json.loads(done.stderr) == []
