"""The command line: `python -m ctest_containers [run] …` and its other commands."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ctest_containers.cli.commands import COMMANDS
from ctest_containers.errors import CtestError, UsageError
from ctest_containers.exit_codes import ExitCode


def main(arguments: Sequence[str]) -> int:
    """Carry out a command; the only place where an expected error becomes text and status."""
    words = list(arguments)
    command = words.pop(0) if words and words[0] in COMMANDS else "run"
    if words[:1] == ["--version"]:
        from ctest_containers import __version__

        print(f"ctest_containers {__version__}")
        return 0
    if list(arguments[:1]) in (["-h"], ["--help"]):
        from ctest_containers.cli.overview import overview

        sys.stdout.write(overview())
        return 0
    try:
        if command == "run" and words:
            _refuse_misspelt(words[0])
        from ctest_containers.cli.command import load

        return int(load(command).handle(words))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        if command in {"run", "exec"}:
            raise
        # The reader of the pipe has seen enough; Python would complain when it closes the output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASSED
    except CtestError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)


def _refuse_misspelt(word: str) -> None:
    """Refuse a word that is nearly a command, and no test that could be run."""
    from ctest_containers.cli.parsing import near

    meant = near(word, COMMANDS)
    if not meant or not word.isidentifier():
        return
    here = Path(word)
    if not (here.exists() or here.with_suffix(".py").exists() or find_spec(word) is not None):
        raise UsageError(f"Unknown command or test module {word!r}.", meant)
