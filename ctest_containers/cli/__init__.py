"""The command line: `python -m ctest_containers [run] …` and its other commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ctest_containers.errors import CtestError
from ctest_containers.exit_codes import ExitCode

COMMANDS = frozenset({"run", "plan", "template", "clean", "timings", "report"})


def main(arguments: Sequence[str]) -> int:
    """Carry out a command; the only place where an expected error becomes text and status."""
    words = list(arguments)
    command = words.pop(0) if words and words[0] in COMMANDS else "run"
    if words and words[0] == "--version":
        from ctest_containers import __version__

        print(f"ctest_containers {__version__}")
        return 0
    try:
        if command == "clean":
            from ctest_containers.cli.clean import clean

            return clean(words)
        if command == "timings":
            from ctest_containers.cli.timings import timings

            return timings(words)
        if command == "template":
            from ctest_containers.cli.template import template

            return template(words)
        if command == "report":
            from ctest_containers.cli.report import report

            return report(words)
        if command == "plan":
            from ctest_containers.cli.plan import plan

            return plan(words)
        from ctest_containers.cli.run import run

        return run(words)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except CtestError as error:
        sys.stdout.flush()
        sys.stderr.write(f"{error}\n")
        return int(error.exit_code)
