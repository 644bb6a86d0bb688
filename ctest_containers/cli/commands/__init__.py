"""The commands: one module each, registered by a row of this table."""

from typing import Final

COMMANDS: Final = {
    "run": "run the tests of the project in this folder (the default)",
    "plan": "show how long a run would take with how many workers",
    "report": "show what happened in a past run, or compare it with others",
    "exec": "run any command with databases of its own",
    "service": "keep isolated databases up for other programs",
    "template": "build, explain, verify, share and prune migrated templates",
    "timings": "export or import how long tests took",
    "doctor": "find what keeps tests from running here, and how to fix it",
    "clean": "remove what crashed runs left behind",
    "completion": "print a script that completes these commands in your shell",
}
"""What each command is for. The module of the same name here has its constant `COMMAND`."""
