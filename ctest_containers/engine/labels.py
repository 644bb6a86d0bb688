"""Labels and names by which our containers and images are found again.

A container names the process that owns it: the machine's boot, the process id and the moment the
process started. So anybody on that machine can tell whether the owner still lives, and a process
id that is used again does not protect what somebody else left.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from ctest_containers.clock import start_ticks

RUN: Final = "ctest-containers.run"
OWNER: Final = "ctest-containers.owner"
ROLE: Final = "ctest-containers.role"
PROJECT: Final = "ctest-containers.project"
FINGERPRINT: Final = "ctest-containers.fingerprint"
INPUTS: Final = "ctest-containers.inputs"
BUILDER: Final = "ctest-containers.builder"
DEPTH: Final = "ctest-containers.depth"
CATALOG: Final = "ctest-containers.catalog"
DATABASES: Final = "ctest-containers.databases"
BRANCH: Final = "ctest-containers.branch"
OWN_IMAGE: Final = "ctest-containers.own-image"
CONTEXT: Final = "ctest-containers.context"

NAMESPACE: Final = "localhost/ctest"
"""Where all our images live: a name without a host would read as one of a public registry."""


def owner(pid: int) -> str:
    """The label value by which a living process owns a container."""
    return f"{_machine()}/{pid}/{_started(pid)}"


def owner_is_dead(value: str) -> bool:
    """Whether the owner was a process of this machine and has ended."""
    try:
        host, boot, space, pid, started = value.split("/")
        if [host, boot, space] != _machine().split("/"):
            # The same machine before its last start; anything else cannot be told from here.
            return host == socket.gethostname() and boot != _boot() and space == _process_space()
        return _started(int(pid)) != started
    except ProcessLookupError:
        return True
    except ValueError:
        return False


def _machine() -> str:
    return f"{socket.gethostname()}/{_boot()}/{_process_space()}"


def _boot() -> str:
    boot_id = Path("/proc/sys/kernel/random/boot_id")
    if boot_id.exists():
        return boot_id.read_text().strip()
    import psutil

    return f"{psutil.boot_time():.0f}"


def _process_space() -> str:
    """What tells apart containers that share a host's name but not its process ids."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"


def _started(pid: int) -> str:
    """When a process started, by a clock that nobody sets.

    Raises:
        ProcessLookupError: There is no such process.
    """
    if not Path("/proc/self/stat").exists():
        import psutil

        try:
            return f"{psutil.Process(pid).create_time():.0f}"
        except psutil.Error as error:
            raise ProcessLookupError(pid) from error
    try:
        return str(start_ticks(pid))
    except OSError as error:
        raise ProcessLookupError(pid) from error
