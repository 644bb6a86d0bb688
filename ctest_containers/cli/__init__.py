"""The command line: `python -m ctest_containers [run] …` and its other commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from ctest_containers.errors import CtestError
from ctest_containers.exit_codes import ExitCode

COMMANDS: Final = {
    "run": "run",
    "plan": "plan",
    "template": "template",
    "report": "report",
    "timings": "timings",
    "service": "service",
    "exec": "execute",
    "doctor": "doctor",
    "clean": "clean",
    "completion": "completion",
}
"""For each command the module of this package, and the function in it, that carries it out."""


def main(arguments: Sequence[str]) -> int:
    """Carry out a command; the only place where an expected error becomes text and status."""
    words = list(arguments)
    command = words.pop(0) if words and words[0] in COMMANDS else "run"
    if words and words[0] == "--version":
        from ctest_containers import __version__

        print(f"ctest_containers {__version__}")
        return 0
    name = COMMANDS[command]
    try:
        return int(getattr(import_module(f"{__name__}.{name}"), name)(words))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except CtestError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
