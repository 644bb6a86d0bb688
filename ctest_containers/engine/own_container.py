"""The container that this process runs in, if the engine that it talks to runs that container.

A container of another engine does not count: that engine knows nothing of this one's folders and
networks. Kernel and container runtime tell which id it may be; the engine has to know the id.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

Inspect = Callable[[str], Mapping[str, Any] | None]
"""What the engine says of a container, by its id; None when it has none of that id."""

ID: Final = re.compile(r"[0-9a-f]{64}")
SHORT_ID: Final = re.compile(r"[0-9a-f]{12}")

GIVEN: Final = frozenset({"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
"""Files that an engine mounts into each container, from a folder that has its id for a name."""

MARKS: Final = (
    "/.dockerenv",
    "/run/.containerenv",
    "/var/run/secrets/kubernetes.io",
)
"""What Docker, Podman and Kubernetes put into their containers."""

UNSHARED: Final = ("fuse", "9p", "virtiofs", "nfs", "cifs", "smb")
"""Kinds of file systems whose Unix sockets lead nowhere: their files are another machine's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnContainer:
    """A container that this process runs in.

    Attributes:
        started: When it was started, as the engine writes it; another value after a restart.
        network_mode: `host`, `none`, or the name of its first network.
        networks: Those that it is attached to, those that somebody made first.
        mounts: The folders of the engine's machine that it has, by where it has them.
    """

    id: str
    name: str
    started: str
    network_mode: str
    networks: tuple[str, ...] = ()
    mounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """What tells it, as it runs now, from all others."""
        return f"{self.id}/{self.started}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPoint:
    """A line of this process's mount table.

    Attributes:
        root: What of the file system is mounted.
        kind: The file system's type, such as `ext4`.
        options: Those of the file system.
    """

    root: str
    path: str
    kind: str
    options: Mapping[str, str]


def find_own_container(
    inspect: Inspect, sharing: Callable[[], Sequence[str]]
) -> OwnContainer | None:
    """The container of the engine's that this process runs in; None if it runs in none.

    Args:
        sharing: Gives the ids of containers that use the network of another one.
    """
    table = mount_points(_read("/proc/self/mountinfo"))
    layer = _layer(table)
    name = socket.gethostname()
    for candidate in candidates(_read("/proc/self/cgroup"), table, name):
        found = inspect(candidate)
        if found is None or not _runs(found):
            continue
        if not ID.fullmatch(candidate) and found.get("Config", {}).get("Hostname") != name:
            continue
        if _same_layer(found, layer):
            return _own(found, inspect)
        # One that uses another's network has the other's files in /etc.
        for other in map(inspect, sharing()):
            if other is not None and layer and _same_layer(other, layer):
                return _own(other, inspect)
    return None


def is_a_container(marks: Sequence[str] = MARKS) -> bool:
    """Whether this process is in a container of some engine.

    Args:
        marks: Files of which an engine puts one into each container.
    """
    clues = candidates(_read("/proc/self/cgroup"), own_mount_points(), "")
    return bool(clues) or any(Path(one).exists() for one in marks)


def candidates(cgroup: str, table: Sequence[MountPoint], hostname: str) -> list[str]:
    """The ids that this process's container may have, those first that nobody else can have.

    Args:
        cgroup: The contents of /proc/self/cgroup.
        hostname: A container's own id unless somebody has given it a name.
    """
    found = [one[0] for line in cgroup.splitlines() for one in ID.finditer(line)]
    for mount in table:
        if mount.path in GIVEN:
            found += ID.findall(mount.root)
    if SHORT_ID.fullmatch(hostname):
        found.append(hostname)
    return list(dict.fromkeys(found))


def mount_points(mountinfo: str) -> list[MountPoint]:
    """The mount table in the contents of /proc/self/mountinfo; see proc_pid_mountinfo(5)."""
    table = []
    for line in mountinfo.splitlines():
        ours, _, theirs = line.partition(" - ")
        fields, rest = ours.split(), theirs.split()
        if len(fields) < 5 or not rest:
            continue
        options = dict(one.partition("=")[::2] for one in rest[-1].split(","))
        table.append(
            MountPoint(
                root=_unescaped(fields[3]),
                path=_unescaped(fields[4]),
                kind=rest[0],
                options=options,
            )
        )
    return table


def on_the_engines_machine(
    folder: Path, container: OwnContainer, table: Sequence[MountPoint]
) -> Path | None:
    """What a folder of this container is called on the engine's machine.

    None where it is the container's alone, or where sockets in it would connect nobody.
    """
    path = folder.resolve()
    parents = {str(one) for one in (path, *path.parents)}
    # The innermost one counts, and of several in the same place the last.
    over = [mount for mount in table if mount.path in parents]
    if not over:
        return None
    mount = max(reversed(over), key=lambda one: len(one.path))
    # The engine names a place as it was asked for, perhaps by a symbolic link.
    sources = {os.path.realpath(place): source for place, source in container.mounts.items()}
    source = sources.get(mount.path)
    if source is None or mount.kind.startswith(UNSHARED):
        return None
    return Path(source) / path.relative_to(mount.path)


def own_mount_points() -> list[MountPoint]:
    """This process's mount table; empty where there is no Linux to tell it."""
    return mount_points(_read("/proc/self/mountinfo"))


def _own(found: Mapping[str, Any], inspect: Inspect) -> OwnContainer:
    networks, mode = _networks(found, inspect)
    return OwnContainer(
        id=str(found["Id"]),
        name=str(found["Name"]).lstrip("/"),
        started=str(found["State"]["StartedAt"]),
        network_mode=mode,
        networks=networks,
        mounts={
            str(one["Destination"]): str(one["Source"])
            for one in found.get("Mounts") or ()
            if one.get("Source") and one.get("Type") in {"bind", "volume"}
        },
    )


def _networks(found: Mapping[str, Any], inspect: Inspect) -> tuple[tuple[str, ...], str]:
    mode = str(found["HostConfig"].get("NetworkMode") or "")
    if mode.startswith("container:"):
        other = inspect(mode.removeprefix("container:"))
        return _networks(other, inspect) if other is not None else ((), "none")
    attached = [str(one) for one in found["NetworkSettings"].get("Networks") or ()]
    usable = [one for one in attached if one not in {"none", "host"}]
    # What is on the engine's default network is separated least from the rest of the machine.
    usable.sort(key=lambda one: (one in {"bridge", "podman"}, one != mode))
    return tuple(usable), mode if usable or mode == "host" else "none"


def _runs(found: Mapping[str, Any]) -> bool:
    return bool((found.get("State") or {}).get("Running"))


def _layer(table: Sequence[MountPoint]) -> str:
    """The folder of the layer that this process's root writes to, where its file system says."""
    roots = [mount for mount in table if mount.path == "/" and mount.kind == "overlay"]
    return _folder_name(roots[-1].options.get("upperdir", "")) if roots else ""


def _same_layer(found: Mapping[str, Any], layer: str) -> bool:
    """Whether a container writes to this layer, as far as both sides say."""
    data = (found.get("GraphDriver") or {}).get("Data") or {}
    theirs = _folder_name(str(data.get("UpperDir") or ""))
    return not layer or not theirs or layer == theirs


def _folder_name(path: str) -> str:
    """The end of a path that an engine may have mounted by a relative one."""
    return "/".join(path.split("/")[-2:])


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
