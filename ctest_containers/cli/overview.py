"""What `--help` shows when no command is named."""

from __future__ import annotations

from typing import Final

from ctest_containers.cli.parsing import PROGRAM, shown

MEANINGS: Final = {
    "run": "run the tests of the project in this folder (the default)",
    "plan": "tell how long a run would take with how many workers",
    "report": "tell what happened in a past run, or compare it with others",
    "exec": "run any command with databases of its own",
    "service": "keep isolated databases up for other programs",
    "template": "build, explain, verify, share and prune migrated templates",
    "timings": "export or import how long tests took",
    "doctor": "say what keeps tests from running here, and how to mend it",
    "clean": "remove what runs left that died",
    "completion": "print what lets a shell complete these words",
}
"""What each command does."""

EXAMPLES: Final = (
    ("", "Run every test."),
    ("shop.tests.CartTests --failfast", "Run one class, as far as the first failure."),
    ("--junit junit.xml --html report.html", "Run every test, and leave reports."),
    ("exec -- npm run e2e", "Give a command a database of its own through DATABASE_URL."),
)


def overview() -> str:
    """The commands, and where to read on."""
    width = max(map(len, MEANINGS))
    commands = "\n".join(f"  {name:<{width}}  {meaning}" for name, meaning in MEANINGS.items())
    return (
        f"usage: {PROGRAM} [COMMAND] …\n\n"
        "Runs a Django project's tests in parallel, each worker against its own database\n"
        "container.\n\n"
        f"commands:\n{commands}\n\n"
        f"{shown(EXAMPLES)}\n\n"
        "COMMAND --help says more about each; --version says which version this is.\n"
    )
