"""Networks of their own, as other machines have them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.projects import wait_for


@contextmanager
def network_of_its_own() -> Iterator[int]:
    """A process whose network namespace nobody else is in; cables to it go with it."""
    machine = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    try:
        here = Path("/proc/self/ns/net").readlink()
        there = Path(f"/proc/{machine.pid}/ns/net")
        wait_for(lambda: there.readlink() != here, 30, "a network of the machine's own")
        subprocess.run([*inside(machine.pid), "ip", "link", "set", "lo", "up"], check=True)
        yield machine.pid
    finally:
        machine.kill()
        machine.wait()


def inside(machine: int) -> list[str]:
    """What starts a command in a process's network."""
    return ["nsenter", f"--net=/proc/{machine}/ns/net"]
