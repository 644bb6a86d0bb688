"""Finds the container that this process runs in, if the toolkit's engine runs it.

A container of another engine does not count, as the toolkit's engine knows neither its folders nor
its networks. The kernel and the container runtime reveal ids; the engine has to know one of them.
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
"""Inspects a container by its id; None if the engine has none with this id."""

ID: Final = re.compile(r"[0-9a-f]{64}")
SHORT_ID: Final = re.compile(r"[0-9a-f]{12}")

GIVEN: Final = frozenset({"/etc/hostname", "/etc/hosts", "/etc/resolv.conf"})
"""Files that an engine mounts into each container, from a folder named by the container's id."""

MARKS: Final = (
    "/.dockerenv",
    "/run/.containerenv",
    "/var/run/secrets/kubernetes.io",
)
"""Files that Docker, Podman and Kubernetes put into their containers."""

UNSHARED: Final = ("fuse", "9p", "virtiofs", "nfs", "cifs", "smb")
"""File systems whose Unix sockets do not connect, because another machine has the files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnContainer:
    """A container that this process runs in.

    Attributes:
        started: When it was started, as the engine writes it; another value after a restart.
        network_mode: `host`, `none`, or the name of its first network.
        networks: Those that it is attached to; the user's own before the engine's default.
        mounts: Folders of the engine's machine, by their paths in the container.
    """

    id: str
    name: str
    started: str
    network_mode: str
    networks: tuple[str, ...] = ()
    mounts: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Identifies this start of the container."""
        return f"{self.id}/{self.started}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MountPoint:
    """A line of this process's mount table.

    Attributes:
        root: The folder of the file system that is mounted.
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
    """The engine's container that this process runs in; None if it runs in none.

    Args:
        sharing: Returns the ids of containers that use another container's network.
    """
    table = mount_points(_read("/proc/self/mountinfo"))
    layer = _layer(table)
    name = socket.gethostname()
    for candidate in candidates(_read("/proc/self/cgroup"), table, name):
        inspected = inspect(candidate)
        if inspected is None or not _runs(inspected):
            continue
        if not ID.fullmatch(candidate) and inspected.get("Config", {}).get("Hostname") != name:
            continue
        if _same_layer(inspected, layer):
            return _own(inspected, inspect)
        # A container that uses another's network has the other's files in /etc.
        for other in map(inspect, sharing()):
            if other is not None and layer and _same_layer(other, layer):
                return _own(other, inspect)
    return None


def is_a_container(marks: Sequence[str] = MARKS) -> bool:
    """Whether this process is in a container of some engine.

    Args:
        marks: Files that show that this is a container, if one of them exists.
    """
    clues = candidates(_read("/proc/self/cgroup"), own_mount_points(), "")
    return bool(clues) or any(Path(mark).exists() for mark in marks)


def candidates(cgroup: str, table: Sequence[MountPoint], hostname: str) -> list[str]:
    """The ids that this process's container may have, the most reliable first.

    Args:
        cgroup: The contents of /proc/self/cgroup.
        hostname: The container's id, unless it was given a name.
    """
    ids = [match[0] for line in cgroup.splitlines() for match in ID.finditer(line)]
    for mount in table:
        if mount.path in GIVEN:
            ids += ID.findall(mount.root)
    if SHORT_ID.fullmatch(hostname):
        ids.append(hostname)
    return list(dict.fromkeys(ids))


def mount_points(mountinfo: str) -> list[MountPoint]:
    """The mount table in the contents of /proc/self/mountinfo; see proc_pid_mountinfo(5)."""
    table = []
    for line in mountinfo.splitlines():
        ours, _, theirs = line.partition(" - ")
        fields, rest = ours.split(), theirs.split()
        if len(fields) < 5 or not rest:
            continue
        options = dict(option.partition("=")[::2] for option in rest[-1].split(","))
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
    """The path of a folder of this container on the engine's machine.

    None if only the container has it, or if sockets in it would not connect.
    """
    path = folder.resolve()
    parents = {str(parent) for parent in (path, *path.parents)}
    # The innermost mount counts, and of several at the same path the last.
    over = [mount for mount in table if mount.path in parents]
    if not over:
        return None
    mount = max(reversed(over), key=lambda mount: len(mount.path))
    # The engine reports a path as it was requested, which may be a symbolic link.
    sources = {os.path.realpath(target): source for target, source in container.mounts.items()}
    source = sources.get(mount.path)
    if source is None or mount.kind.startswith(UNSHARED):
        return None
    return Path(source) / path.relative_to(mount.path)


def own_mount_points() -> list[MountPoint]:
    """This process's mount table; empty on systems other than Linux."""
    return mount_points(_read("/proc/self/mountinfo"))


def _own(inspected: Mapping[str, Any], inspect: Inspect) -> OwnContainer:
    networks, mode = _networks(inspected, inspect)
    return OwnContainer(
        id=str(inspected["Id"]),
        name=str(inspected["Name"]).lstrip("/"),
        started=str(inspected["State"]["StartedAt"]),
        network_mode=mode,
        networks=networks,
        mounts={
            str(mount["Destination"]): str(mount["Source"])
            for mount in inspected.get("Mounts") or ()
            if mount.get("Source") and mount.get("Type") in {"bind", "volume"}
        },
    )


def _networks(inspected: Mapping[str, Any], inspect: Inspect) -> tuple[tuple[str, ...], str]:
    mode = str(inspected["HostConfig"].get("NetworkMode") or "")
    if mode.startswith("container:"):
        other = inspect(mode.removeprefix("container:"))
        return _networks(other, inspect) if other is not None else ((), "none")
    attached = [str(network) for network in inspected["NetworkSettings"].get("Networks") or ()]
    usable = [network for network in attached if network not in {"none", "host"}]
    # The engine's default network is the least isolated from the rest of the machine.
    usable.sort(key=lambda network: (network in {"bridge", "podman"}, network != mode))
    return tuple(usable), mode if usable or mode == "host" else "none"


def _runs(inspected: Mapping[str, Any]) -> bool:
    return bool((inspected.get("State") or {}).get("Running"))


def _layer(table: Sequence[MountPoint]) -> str:
    """The folder of the layer that this process's root writes to, if its file system says so."""
    roots = [mount for mount in table if mount.path == "/" and mount.kind == "overlay"]
    return _folder_name(roots[-1].options.get("upperdir", "")) if roots else ""


def _same_layer(inspected: Mapping[str, Any], layer: str) -> bool:
    """Whether a container writes to this layer, as far as is known."""
    data = (inspected.get("GraphDriver") or {}).get("Data") or {}
    theirs = _folder_name(str(data.get("UpperDir") or ""))
    return not layer or not theirs or layer == theirs


def _folder_name(path: str) -> str:
    """The end of a path, as an engine may have mounted it by a relative path."""
    return "/".join(path.split("/")[-2:])


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
