"""Measures free memory and the memory of processes, and counts kills for lack of memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctest_containers.originals import ORIGINALS

GROUPS: Final = Path("/sys/fs/cgroup")

NO_LIMIT: Final = 2**60
"""In version 1, a control group without a limit reports a number above this."""


IN_A_GROUP: Final = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""The files with a group's limit, its use, and the part of it that caches files.

See "memory.current" and "memory.stat" in cgroup-v2.rst, and section 5.2 of memory.rst.
"""


def available_bytes() -> int | None:
    """Return the memory that new processes can use without swapping; None if unknown.

    This is the machine's, or what is left to this process's control groups if that is less: psutil
    ignores those.
    """
    limits = [_of_the_machine(), *_left_to_groups()]
    return min((limit for limit in limits if limit is not None), default=None)


def private_bytes() -> int | None:
    """Return the memory that only this process uses; None if the system does not report it."""
    try:
        lines = ORIGINALS.read_file("/proc/self/smaps_rollup").decode().splitlines()
    except OSError:
        return None
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) * 1024


def kills_for_memory() -> int:
    """Return how many processes of this control group the kernel has killed for lack of memory.

    If the group cannot be read, counts those of the whole machine; 0 if that is unknown, too.
    See `memory.events` in the kernel's cgroup-v2.rst, `memory.oom_control` in its memory.rst.
    """
    events = (
        group / name for group in _groups() for name in ("memory.events", "memory.oom_control")
    )
    counts = (_entry(file, "oom_kill") for file in (*events, Path("/proc/vmstat")))
    return next((kills for kills in counts if kills is not None), 0)


def used_by_group(process: int, name: str) -> int | None:
    """Return the memory of a process's control group, without cached files that can be dropped.

    Args:
        name: A part of the group's name; for any other group, the result is None.
    """
    for group in _groups(str(process)):
        if name not in group.name:
            continue
        for _, usage, cache in IN_A_GROUP:
            used = _number(group / usage)
            if used is not None:
                return max(0, used - (_entry(group / "memory.stat", cache) or 0))
    return None


def _of_the_machine() -> int | None:
    try:
        import psutil

        return int(psutil.virtual_memory().available)
    except Exception:  # noqa: BLE001  # Missing, broken or forbidden: tests run anyway.
        return None


def _left_to_groups() -> Iterator[int]:
    """Yield the memory left to each of this process's control groups, including cached files."""
    for group in _groups():
        for limit, usage, cache in IN_A_GROUP:
            most, used = _number(group / limit), _number(group / usage)
            if most is not None and used is not None and most < NO_LIMIT:
                yield max(0, most - used + (_entry(group / "memory.stat", cache) or 0))


def _groups(process: str = "self") -> Iterator[Path]:
    """Yield the control groups that limit a process's memory, the innermost first."""
    try:
        lines = Path(f"/proc/{process}/cgroup").read_text().splitlines()
    except OSError:
        return
    for _, controllers, path in (line.split(":", 2) for line in lines):
        if "memory" in controllers.split(","):
            top = GROUPS / "memory"
        elif not controllers:
            top = GROUPS
        else:
            continue
        inner = top / path.lstrip("/")
        # Inside a container, the group's path does not exist; its files are at the top.
        yield from (
            group for group in (inner, *inner.parents) if group == top or top in group.parents
        )


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _entry(file: Path, name: str) -> int | None:
    try:
        lines = [line.split() for line in file.read_text().splitlines()]
        return next(int(value) for key, value in lines if key == name)
    except (OSError, ValueError, StopIteration):
        return None
