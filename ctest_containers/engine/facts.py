"""Reads how an engine describes itself, without changing anything there."""

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
"""The oldest API that Docker's SDK supports."""

TESTED_API: Final = "1.41"
"""The API of Docker 20.10, the oldest engine that the toolkit is tested with."""

FRACTION: Final = re.compile(r"\.\d+")


class EngineKind(str, Enum):
    """The product that an engine belongs to."""

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
        rootless: Whether it runs as an unprivileged user.
        storage_driver: The driver that stacks the layers of images.
        root: The folder of the engine's machine that has them.
        missing_limits: What it cannot limit for containers: `memory`, `swap`, `processes`.
        cgroup_version: The version of the control groups; empty if the engine does not say.
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
    """Ask the engine for its version and its configuration.

    Args:
        seconds: The time limit of each of the two answers.

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
    """Extract the facts from an engine's two answers.

    Args:
        now: This machine's time when they arrived, in seconds since 1970.
    """
    system = str(info.get("OperatingSystem") or "")
    security = [str(option) for option in info.get("SecurityOptions") or ()]
    limits = (("memory", "MemoryLimit"), ("swap", "SwapLimit"), ("processes", "PidsLimit"))
    return EngineFacts(
        kind=_kind(version, system, str(info.get("Name") or "")),
        version=str(version.get("Version") or "of an unknown version"),
        api=str(version.get("ApiVersion") or "0"),
        rootless=any(option.startswith("name=rootless") for option in security),
        storage_driver=str(info.get("Driver") or ""),
        root=str(info.get("DockerRootDir") or ""),
        # If an engine does not mention a limit, it may still support it.
        missing_limits=tuple(name for name, key in limits if info.get(key) is False),
        cgroup_version=str(info.get("CgroupVersion") or ""),
        clock_ahead_seconds=_clock_ahead(str(info.get("SystemTime") or ""), now),
    )


def is_older(api: str, than: str) -> bool:
    """Whether one version of the API is older than another."""
    return _numbers(api) < _numbers(than)


def _kind(version: Mapping[str, Any], system: str, name: str) -> EngineKind:
    components = [str(component.get("Name", "")) for component in version.get("Components") or ()]
    if any("podman" in component.lower() for component in components):
        return EngineKind.PODMAN
    if "docker desktop" in f"{system} {(version.get('Platform') or {}).get('Name', '')}".lower():
        return EngineKind.DESKTOP
    if name.startswith("colima"):
        return EngineKind.COLIMA
    return EngineKind.ORBSTACK if "orbstack" in system.lower() else EngineKind.DOCKER


def _clock_ahead(system_time: str, now: float) -> float | None:
    try:
        # Python 3.10 accepts exactly six digits of a second, and no Z.
        exact = FRACTION.sub(lambda fraction: fraction[0][:7].ljust(7, "0"), system_time)
        moment = dt.datetime.fromisoformat(exact.replace("Z", "+00:00"))
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.timestamp() - now


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
