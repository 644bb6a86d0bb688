"""How much memory is free, and what became of processes that wanted more."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import psutil

GROUPS: Final = Path("/sys/fs/cgroup")


def available_bytes() -> int | None:
    """Memory that new processes can use without swapping; None when the system does not tell."""
    try:
        return int(psutil.virtual_memory().available)
    except (psutil.Error, OSError):
        return None


def kills_for_memory() -> int:
    """How many processes of this process's control group the kernel has killed for memory so far.

    Where the group cannot be read it is those of the whole machine, and 0 where nobody tells.
    See `memory.events` in the kernel's cgroup-v2.rst, `memory.oom_control` in its memory.rst.
    """
    found = map(_kills_in, (*_group_files(), Path("/proc/vmstat")))
    return next((kills for kills in found if kills is not None), 0)


def _kills_in(counters: Path) -> int | None:
    try:
        lines = [line.split() for line in counters.read_text().splitlines()]
        return next(int(value) for name, value in lines if name == "oom_kill")
    except (OSError, ValueError, StopIteration):
        return None


def _group_files() -> list[Path]:
    try:
        groups = [line.split(":", 2) for line in Path("/proc/self/cgroup").read_text().splitlines()]
    except OSError:
        return []
    files = []
    for _, controllers, group in groups:
        inner = group.lstrip("/")
        if "memory" in controllers.split(","):
            # Inside a container the group's own path is not there, but its files stand at the top.
            files += [GROUPS / "memory" / one / "memory.oom_control" for one in (inner, "")]
        elif not controllers:
            files += [GROUPS / one / "memory.events" for one in (inner, "")]
    return files
