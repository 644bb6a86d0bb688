"""Labels and names by which our containers and images are found again.

A container's label names the process that owns it: the machine's boot, the process id and the time
at which the process started. So any process on that machine can find out whether the owner still
lives, and a process id that is used again protects nothing. If the owner is in a container of the
engine, the label names that container as well: only the engine knows whether it still runs.

A container that outlives its owner has a label with the file of a service. It is kept as long as
that file names it in turn.
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
"""Labels that describe the contents of an image."""

TEMPLATE: Final = "template"
LAYER: Final = "layer"
"""The values of ROLE on images."""

NAMESPACE: Final = "localhost/ctest"
"""The repository of all images: a name without a host would stand for a public registry."""


def owner(pid: int, container: str = "") -> str:
    """The label value that makes a living process the owner of a container.

    Args:
        container: The `OwnContainer.label` of the engine's container that the process is in;
            empty if it is in none.
    """
    return "/".join(filter(None, (f"{_machine()}/{pid}/{_started(pid)}", container)))


def container_of(value: str) -> tuple[str, str] | None:
    """The id of an owner's container, and when it was started; None if it is in none."""
    parts = value.split("/")
    return (parts[5], parts[6]) if len(parts) == 7 and parts[5] else None


def owner_is_dead(value: str) -> bool:
    """Whether the owner was a process of this machine and has ended."""
    try:
        parts = value.split("/")
        host, boot, space, pid, started = parts[:5] if len(parts) == 7 else parts
        if [host, boot, space] != _machine().split("/"):
            # Known only for this machine before its last boot.
            return host == socket.gethostname() and boot != _boot() and space == _process_space()
        return _started(int(pid)) != started
    except ProcessLookupError:
        return True
    except ValueError:
        return False


def is_kept(file: str, name: str) -> bool:
    """Whether the file of a service names a container or a folder.

    A file that exists but cannot be read, such as another user's, may name anything.
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
    """Distinguishes containers that share a host's name but not its process ids."""
    try:
        return str(Path("/proc/self/ns/pid").stat().st_ino)
    except OSError:
        return "0"


def _started(pid: int) -> str:
    """When a process started, by a clock that is never set.

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
