"""Decides whether tests can be debugged in workers."""

from __future__ import annotations

import os
import sys

from ctest_containers.errors import UsageError
from ctest_containers.workers.terminal_loans import has_terminal


def check_terminal() -> None:
    """Check that --pdb has a terminal.

    Raises:
        UsageError: It has none.
    """
    if not has_terminal():
        raise UsageError(
            "--pdb needs a terminal, and this process has none.",
            "Run it from a shell at a terminal. In a container, use docker run -it.",
        )


def lends_terminal() -> bool:
    """Return whether `breakpoint()` may take the terminal without --pdb.

    A CI system may provide a terminal without anyone who could type.
    """
    is_interactive = sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()
    return is_interactive and not os.environ.get("CI") and has_terminal()
