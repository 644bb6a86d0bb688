"""Control groups that limit the memory of the processes in them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from harness.projects import wait_for

GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def memory_group() -> Iterator[Path]:
    """A control group without a limit yet; at the end all its processes have to have ended."""
    by_controller = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if by_controller else GROUPS) / f"ctest-tests-{os.getpid()}"
    group.mkdir()
    try:
        yield group
    finally:
        wait_for(lambda: not (group / "cgroup.procs").read_text(), 30, "the end of the group")
        for inner in group.glob("*/"):
            inner.rmdir()
        with suppress(OSError):
            group.rmdir()


def limit(group: Path, count: int) -> None:
    """Let the processes of a group and of its inner groups take so many bytes together."""
    files = [group / name for name in ("memory.limit_in_bytes", "memory.memsw.limit_in_bytes")]
    found = [one for one in (*files, group / "memory.max") if one.exists()]
    # The limit without swap may never exceed the one with it, neither before nor after.
    for order in (found, found[::-1]):
        with suppress(OSError):
            for one in order:
                one.write_text(str(count))
    assert all(int(one.read_text()) == count for one in found)


def join_by_settings(project: Path, group: Path) -> None:
    """Let whoever loads the project first join a group; its children are born into it."""
    settings = project / "outcomes" / "settings.py"
    line = f"\nPath({str(group / 'cgroup.procs')!r}).write_text('0')\n"
    settings.write_text(settings.read_text() + line)


def kills(group: Path) -> int:
    """How many processes of a group the kernel has killed for memory."""
    inner = [group, *group.glob("*/")]
    files = [one / name for one in inner for name in ("memory.events", "memory.oom_control")]
    texts = [file.read_text() for file in files if file.exists()]
    lines = [line.split() for text in texts for line in text.splitlines()]
    return sum(int(value) for key, value in lines if key == "oom_kill")
