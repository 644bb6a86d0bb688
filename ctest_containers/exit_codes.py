"""The exit codes of every command; they are public and do not change."""

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command."""

    PASSED = 0
    """Every selected test ran, and none failed."""

    FAILED = 1
    """A test failed, or an error for which Django itself exits with 1."""

    SETUP_FAILED = 2
    """The command line, a setting, the project or the engine prevented a run."""

    INTERRUPTED = 130
    """Ctrl-C ended the run before every test had run: 128 and the number of SIGINT."""

    TERMINATED = 143
    """SIGTERM ended the run before every test had run: 128 and its number."""
