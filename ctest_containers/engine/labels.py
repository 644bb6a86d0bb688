"""Labels and names by which our containers and images are found again.

A container names the process that owns it: the machine's boot, the process id and the moment the
process started. So anybody on that machine can tell whether the owner still lives, and a process
id that is used again does not protect what somebody else left. One that lives in a container of the
engine names that, too, for whether it still runs can be told by the engine alone.

What is to outlive its owner names a file besides, the file of a service. As long as that file names
it in turn, it is kept.
"""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Final

from ctest_containers.clock import start_ticks

RUN: Final = "ctest-containers.run"
OWNER: Final = "ctest-containers.owner"
ROLE: Final = "ctest-containers.role"
PROJECT: Final = "ctest-containers.project"
SERVICE: Final = "ctest-containers.service"
FINGERPRINT: Final = "ctest-containers.fingerprint"
KEY: Final = "ctest-containers.key"
MANIFEST: Final = "ctest-containers.manifest"
INPUTS: Final = "ctest-containers.inputs"
BUILDER: Final = "ctest-containers.builder"
DEPTH: Final = "ctest-containers.depth"
CATALOG: Final = "ctest-containers.catalog"
DATABASES: Final = "ctest-containers.databases"
BRANCH: Final = "ctest-containers.branch"
MILESTONE: Final = "ctest-containers.milestone"
CONTENTS: Final = "ctest-containers.contents"
OWN_IMAGE: Final = "ctest-containers.own-image"
SETTINGS: Final = "ctest-containers.settings"
CONTEXT: Final = "ctest-containers.context"

DESCRIBING: Final = (
    *(FINGERPRINT, KEY, MANIFEST, INPUTS, DEPTH, CATALOG, DATABASES, BRANCH, MILESTONE, CONTENTS),
    *(OWN_IMAGE, SETTINGS),
)
"""What says of an image what it contains."""

TEMPLATE: Final = "template"
LAYER: Final = "layer"
"""What ROLE says of images."""

NAMESPACE: Final = "localhost/ctest"
"""Where all our images live: a name without a host would read as one of a public registry."""


def owner(pid: int, container: str = "") -> str:
    """The label value by which a living process owns a container.

    Args:
        container: The engine's container that the process is in, as its `OwnContainer.label` has
            it; empty for none.
    """
    return "/".join(filter(None, (f"{_machine()}/{pid}/{_started(pid)}", container)))


def container_of(value: str) -> tuple[str, str] | None:
    """The id of the container that an owner is in, and when that was started; None for none."""
    parts = value.split("/")
    return (parts[5], parts[6]) if len(parts) == 7 and parts[5] else None


def owner_is_dead(value: str) -> bool:
    """Whether the owner was a process of this machine and has ended."""
    try:
        parts = value.split("/")
        host, boot, space, pid, started = parts[:5] if len(parts) == 7 else parts
        if [host, boot, space] != _machine().split("/"):
            # The same machine before its last start; anything else cannot be told from here.
            return host == socket.gethostname() and boot != _boot() and space == _process_space()
        return _started(int(pid)) != started
    except ProcessLookupError:
        return True
    except ValueError:
        return False


def is_kept(file: str, name: str) -> bool:
    """Whether the file of a service names a container or a folder.

    A file that is there and cannot be read, another user's perhaps, may name anything.
    """
    if not file:
        return False
    try:
        return json.dumps(name) in Path(file).read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True


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
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                raise ProcessLookupError(pid)
            return f"{process.create_time():.0f}"
        except psutil.Error as error:
            raise ProcessLookupError(pid) from error
    try:
        return str(start_ticks(pid))
    except OSError as error:
        raise ProcessLookupError(pid) from error
