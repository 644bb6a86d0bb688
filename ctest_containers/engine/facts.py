"""What an engine says of itself; it is only asked, and nothing of it is changed."""

from __future__ import annotations

import datetime as dt
import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

import docker
from docker.constants import MINIMUM_DOCKER_API_VERSION

from ctest_containers.engine.sdk_errors import translated

LEAST_API: Final = MINIMUM_DOCKER_API_VERSION
"""The SDK speaks with no older engine."""

TESTED_API: Final = "1.41"
"""The API of Docker 20.10, the oldest engine that the toolkit is tested with."""

FRACTION: Final = re.compile(r"\.\d+")


class EngineKind(str, Enum):
    """Whose engine it is, as people call it."""

    DOCKER = "Docker Engine"
    DESKTOP = "Docker Desktop"
    COLIMA = "Colima"
    ORBSTACK = "OrbStack"
    PODMAN = "Podman"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """An engine as it describes itself.

    Attributes:
        api: The version of the API that it offers, such as `1.41`.
        rootless: Whether it runs as an ordinary user.
        storage_driver: How it stacks the layers of images.
        root: The folder in which it keeps them, on its own machine.
        missing_limits: What it cannot limit for containers: `memory`, `swap`, `processes`.
        cgroup_version: Of the control groups that limit containers; empty where it does not say.
        clock_ahead_seconds: By how much its clock is ahead of this process's; None if unknown.
    """

    kind: EngineKind
    version: str
    api: str
    rootless: bool
    storage_driver: str
    root: str
    missing_limits: tuple[str, ...]
    cgroup_version: str
    clock_ahead_seconds: float | None


def read_facts(seconds: float) -> EngineFacts:
    """Ask the engine for what it says of itself.

    Args:
        seconds: What each of its two answers may take.

    Raises:
        EngineError: It does not answer, or refuses.
    """
    with (
        translated("asking about it"),
        closing(docker.from_env(version="auto", timeout=int(seconds))) as client,
    ):
        version = dict(client.version())
        before = time.time()
        info = dict(client.info())
        return facts_from(version, info, (before + time.time()) / 2)


def facts_from(version: Mapping[str, Any], info: Mapping[str, Any], now: float) -> EngineFacts:
    """The facts in an engine's two answers.

    Args:
        now: This machine's time when they came, in seconds since 1970.
    """
    system = str(info.get("OperatingSystem") or "")
    security = [str(one) for one in info.get("SecurityOptions") or ()]
    limits = (("memory", "MemoryLimit"), ("swap", "SwapLimit"), ("processes", "PidsLimit"))
    return EngineFacts(
        kind=_kind(version, system, str(info.get("Name") or "")),
        version=str(version.get("Version") or "of an unknown version"),
        api=str(version.get("ApiVersion") or "0"),
        rootless=any(one.startswith("name=rootless") for one in security),
        storage_driver=str(info.get("Driver") or ""),
        root=str(info.get("DockerRootDir") or ""),
        # What an engine says nothing about it may well have.
        missing_limits=tuple(name for name, key in limits if info.get(key) is False),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        clock_ahead_seconds=_clock_ahead(str(info.get("SystemTime") or ""), now),
    )


def is_older(api: str, than: str) -> bool:
    """Whether a version of the API comes before another one."""
    return _numbers(api) < _numbers(than)


def _kind(version: Mapping[str, Any], system: str, name: str) -> EngineKind:
    components = [str(one.get("Name", "")) for one in version.get("Components") or ()]
    if any("podman" in one.lower() for one in components):
        return EngineKind.PODMAN
    if "docker desktop" in f"{system} {(version.get('Platform') or {}).get('Name', '')}".lower():
        return EngineKind.DESKTOP
    if name.startswith("colima"):
        return EngineKind.COLIMA
    return EngineKind.ORBSTACK if "orbstack" in system.lower() else EngineKind.DOCKER


def _clock_ahead(told: str, now: float) -> float | None:
    try:
        # Python 3.10 takes six digits of a second and no others, and no Z.
        exact = FRACTION.sub(lambda found: found[0][:7].ljust(7, "0"), told)
        moment = dt.datetime.fromisoformat(exact.replace("Z", "+00:00"))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp() - now


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(one) for one in re.findall(r"\d+", version))
