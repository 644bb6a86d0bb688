"""Ends the process of a run in the way that all callers of a test runner understand."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from ctest_containers.errors import CtestError, InterruptedRunError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.project.interrupts import Terminated


@contextmanager
def exiting_on_errors() -> Iterator[None]:
    """Print an expected error that leaves the block, and exit with its code.

    Raises:
        SystemExit: There was one.
    """
    try:
        yield
    except Terminated:
        exit_with(InterruptedRunError("Terminated before any test had run.", ExitCode.TERMINATED))
    except KeyboardInterrupt:
        exit_with(InterruptedRunError("Interrupted before any test had run."))
    except CtestError as error:
        exit_with(error)


def exit_with(error: CtestError) -> NoReturn:
    """Print an error, and exit with its code."""
    sys.stdout.flush()
    sys.stderr.write(f"{error}\n")
    raise SystemExit(int(error.exit_code))
