"""The exit codes of every command; they are part of the public interface and do not change."""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process of this toolkit says to its caller when it ends."""

    PASSED = 0
    """Every test that was asked for ran and none failed."""

    FAILED = 1
    """A test failed, or something that Django itself answers with 1."""

    SETUP_FAILED = 2
    """The command line, a setting, the project or the engine did not allow a run."""

    INTERRUPTED = 130
    """Ctrl-C ended the run before every test had run: 128 and the number of SIGINT."""

    TERMINATED = 143
    """SIGTERM did: 128 and its number."""
