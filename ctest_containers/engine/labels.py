"""Labels and names by which our containers and images are found again.

A container names the process that owns it: the machine's boot, the process id and the moment the
process started. So anybody on that machine can tell whether the owner still lives, and a process
id that is used again does not protect what somebody else left.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

import psutil

RUN: Final = "ctest-containers.run"
OWNER: Final = "ctest-containers.owner"
ROLE: Final = "ctest-containers.role"
PROJECT: Final = "ctest-containers.project"
FINGERPRINT: Final = "ctest-containers.fingerprint"
INPUTS: Final = "ctest-containers.inputs"
CONTEXT: Final = "ctest-containers.context"

NAMESPACE: Final = "localhost/ctest"
"""Where all our images live: a name without a host would read as one of a public registry."""


def owner(pid: int) -> str:
    """The label value by which a living process owns a container."""
    return f"{_boot()}/{pid}/{psutil.Process(pid).create_time():.2f}"


def owner_is_dead(value: str) -> bool:
    """Whether the owner was a process of this machine and has ended."""
    try:
        boot, pid, started = value.rsplit("/", 2)
        if boot.split("/")[0] != socket.gethostname():
            return False
        if boot != _boot():
            return True
        return abs(psutil.Process(int(pid)).create_time() - float(started)) > 1
    except psutil.NoSuchProcess:
        return True
    except (ValueError, psutil.Error):
        return False


def _boot() -> str:
    boot_id = Path("/proc/sys/kernel/random/boot_id")
    boot = boot_id.read_text().strip() if boot_id.exists() else f"{psutil.boot_time():.0f}"
    return f"{socket.gethostname()}/{boot}"
