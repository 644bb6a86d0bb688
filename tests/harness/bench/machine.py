"""What figures were measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

PACKAGES: Final = (
    *("ctest-containers", "Django", "psycopg", "mysqlclient"),
    *("pytest", "pytest-django", "pytest-xdist", "testcontainers"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """A machine and what is installed there.

    Attributes:
        cores: Those that this process may use.
        engine: The version of the Docker Engine; empty where none is used.
        packages: Versions by the names of packages.
    """

    cpu: str
    cores: int
    memory_bytes: int
    kernel: str
    python: str
    engine: str
    packages: Mapping[str, str]


def describe(engine_version: str) -> Machine:
    """This machine."""
    packages = {}
    for name in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            packages[name] = importlib.metadata.version(name)
    return Machine(
        cpu=_cpu_model(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else _all_cores(),
        memory_bytes=int(psutil.virtual_memory().total),
        kernel=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        engine=engine_version,
        packages=packages,
    )


def _all_cores() -> int:
    return os.cpu_count() or 1


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()
