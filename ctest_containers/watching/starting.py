"""Starts watch mode: forks the first stage, and supervises."""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.project.interrupts import Terminated, terminable
from ctest_containers.watching.files import Watcher
from ctest_containers.watching.playing import play
from ctest_containers.watching.process import fork
from ctest_containers.watching.reading import Reading
from ctest_containers.watching.remote import Remote
from ctest_containers.watching.stage import Project, Stage
from ctest_containers.watching.supervisor import Supervisor
from ctest_containers.watching.view import Display


def watch(project: Project, folder: Path, display: Display) -> int:
    """Watch the project in a folder until the user quits, and return an exit code.

    Raises:
        CtestError: Watch mode cannot start or go on.
    """
    if not hasattr(os, "pidfd_open"):
        raise UsageError("watch needs Linux: it forks processes that have loaded the project.")
    Watcher.check()
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryFile() as output, terminable():

        def begin() -> NoReturn:
            ours.close()
            Stage(project, Reading(folder), play, theirs).run(output.fileno())

        pid = fork(begin)
        theirs.close()
        try:
            Supervisor(folder, display, Remote(ours), output).run()
        except Terminated:
            return ExitCode.TERMINATED
        except KeyboardInterrupt:
            return ExitCode.INTERRUPTED
        finally:
            ours.close()
            with suppress(ProcessLookupError):
                os.kill(pid, 9)
            os.waitpid(pid, 0)
            sys.stdout.flush()
    return ExitCode.PASSED
