"""What `--help` shows when no command is named."""

from __future__ import annotations

from typing import Final

from ctest_containers.cli.commands import COMMANDS
from ctest_containers.cli.parsing import PROGRAM, shown

EXAMPLES: Final = (
    ("", "Run every test."),
    ("shop.tests.CartTests --failfast", "Run one class, and stop at the first failure."),
    ("--junit junit.xml --html report.html", "Run every test, and write reports."),
    ("exec -- npm run e2e", "Run a command with its own database, in DATABASE_URL."),
)


def overview() -> str:
    """The commands, and where to read on."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items())
    return (
        f"usage: {PROGRAM} [COMMAND] …\n\n"
        "Runs a Django project's tests in parallel, each worker against its own database\n"
        "container.\n\n"
        f"commands:\n{commands}\n\n"
        f"{shown(EXAMPLES)}\n\n"
        "Use COMMAND --help for help on a command, and --version for the version.\n"
    )
