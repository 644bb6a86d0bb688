"""The commands: one module each, registered by a row of this table."""

from typing import Final

COMMANDS: Final = {
    "run": "run the tests of the project in this folder (the default)",
    "watch": "stay up, and run affected tests whenever a file is saved",
    "plan": "estimate how long a run takes with different numbers of workers",
    "hunt": "find the tests that make another one fail, and what they leave",
    "report": "show what happened in a past run, or compare it with others",
    "failures": "list the failed tests whose databases are kept",
    "open": "open the databases of a failed test in a client or any command",
    "exec": "run any command with its own databases",
    "service": "keep isolated databases up for other programs",
    "template": "build, explain, verify, share and prune migrated templates",
    "timings": "export or import the durations of tests",
    "doctor": "find what prevents tests from running here, and how to fix it",
    "clean": "remove what crashed runs left behind, and kept failures",
    "completion": "print a script that completes these commands in your shell",
}
"""What each command is for. The module of the same name here has its constant `COMMAND`."""
