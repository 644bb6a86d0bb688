"""Starts the server host's process, ahead of time where an engine was needed last time.

It takes the process half a second to load its libraries, which is about what it takes the parent to
load a project.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

PROGRAM: Final = (
    # The current folder may hold modules with the names of ours or of libraries.
    "import sys; sys.path[:] = [p for p in sys.path if p]; "
    "from ctest_containers.servers.serve import main; main()"
)


END_SECONDS: Final = 10.0
"""What one may take to end that nobody has told anything."""


@dataclass(frozen=True, slots=True)
class HostProcess:
    """A server host that waits to be told what it is for.

    Attributes:
        log: What it writes to its standard error; a file without a name.
    """

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def end(self) -> None:
        """Let it end, as it does when its input ends, and wait for that."""
        try:
            self.process.communicate(timeout=END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
        self.log.close()


_ahead: list[HostProcess] = []
"""What was started ahead of time, and is not used yet."""


def start_ahead(cache: Path, folder: Path) -> None:
    """Start a host if the last run in this folder needed one."""
    if not _ahead and _note(cache, folder).exists():
        _ahead.append(_start())


def take() -> HostProcess:
    """The host that was started ahead, or a new one."""
    return _ahead.pop() if _ahead else _start()


def give_up() -> None:
    """Nobody needs a host after all."""
    while _ahead:
        _ahead.pop().end()


def remember(cache: Path, folder: Path, *, needed: bool) -> None:
    """Whether a run in this folder needed a host; one that cannot be noted starts no host ahead."""
    note = _note(cache, folder)
    with suppress(OSError):
        if needed:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.touch()
        else:
            note.unlink(missing_ok=True)


def _note(cache: Path, folder: Path) -> Path:
    return cache / "needs-engine" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:32]


def _start() -> HostProcess:
    package_parent = str(Path(__file__).resolve().parents[2])
    search_path = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    log = tempfile.TemporaryFile()  # noqa: SIM115  # It lives as long as the process does.
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(search_path)},
        # Ctrl-C at the terminal must not reach the process that cleans up.
        start_new_session=True,
    )
    return HostProcess(process, log)
