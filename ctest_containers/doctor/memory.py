"""How many workers fit this machine, as a run computes it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ctest_containers.capacity.memory import available_bytes
from ctest_containers.doctor.context import DoctorContext, Project
from ctest_containers.doctor.finding import Area, Finding, note, ok, warning
from ctest_containers.session.planning import plan_run
from ctest_containers.text import plural, size
from ctest_containers.timings import Timings
from ctest_containers.timings.model import from_json
from ctest_containers.timings.store import default_path

QUOTA: Final = Path("/sys/fs/cgroup/cpu.max")
OLD_QUOTA: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")
OLD_PERIOD: Final = Path("/sys/fs/cgroup/cpu/cpu.cfs_period_us")


def check_memory(context: DoctorContext) -> Iterator[Finding]:
    """Compare free memory with what workers take, as `plan` does."""
    available = available_bytes()
    floor = context.config.memory_floor
    if available is not None and floor and available < floor:
        yield warning(
            Area.MACHINE,
            f"{size(available)} of memory is available, less than the floor of {size(floor)}, so "
            "runs pause workers at once.",
            "Close other programs, or lower the floor: `--memory-floor 64m`, or 0 for none.",
        )
    if context.project is None:
        if available is not None:
            yield ok(Area.MACHINE, f"{size(available)} of memory is available.")
        return
    timings, trouble = _timings(context)
    if trouble:
        yield trouble
    yield from _sum(context, context.project, timings)


def check_cores(context: DoctorContext) -> Iterator[Finding]:
    """Compare the cores of the machine with those that this process may use."""
    cores = os.cpu_count() or 1
    usable = _usable_cores(cores)
    if usable < cores and (context.project is None or context.project.asked is None):
        yield warning(
            Area.MACHINE,
            f"The machine has {plural(cores, 'core')}, of which this process may use {usable:g}.",
            f"Use that many workers: `--parallel {max(1, round(usable))}`.",
        )


def _sum(context: DoctorContext, project: Project, timings: Timings) -> Iterator[Finding]:
    elsewhere = None
    if context.server_groups and context.engine is not None:
        elsewhere = context.engine.free_bytes()
    planned = plan_run(
        config=project.config,
        asked=project.asked,
        batches=project.batches,
        timings=timings,
        groups=project.groups,
        engine_bytes=elsewhere,
    ).workers
    if not project.batches:
        yield note(Area.MACHINE, "No tests were found, so there is nothing to plan.")
        return
    others = ", ".join(f"{limit.workers} ({limit.reason})" for limit in planned.limits[1:])
    yield ok(
        Area.MACHINE,
        f"A run would have {plural(planned.workers, 'worker')}: {planned.reason}. The next limits "
        f"are {others}.",
    )
    if floor := context.config.memory_floor:
        yield ok(
            Area.MACHINE,
            f"Runs pause workers when less than {size(floor)} of memory is available.",
        )
    for text in planned.warnings:
        yield warning(
            Area.MACHINE,
            text,
            "Close other programs, or give the machine or its container more memory.",
        )


def _timings(context: DoctorContext) -> tuple[Timings, Finding | None]:
    """What past runs measured, and a finding if their file cannot be read."""
    file = Path(context.config.timings_file or default_path(context.name))
    try:
        return from_json(json.loads(file.read_text(encoding="utf-8"))), None
    except FileNotFoundError:
        return Timings(), None
    except (OSError, ValueError, RecursionError) as error:
        return Timings(), warning(
            Area.MACHINE,
            f"The durations of past runs in {file} cannot be read: {error}.",
            f"Run `rm {file}`; the next run starts a new one.",
        )


def _usable_cores(cores: int) -> float:
    usable = float(cores)
    if hasattr(os, "sched_getaffinity"):
        usable = min(usable, len(os.sched_getaffinity(0)))
    for quota, period in (_new_quota(), _old_quota()):
        if quota > 0 and period > 0:
            usable = min(usable, quota / period)
    return usable


def _new_quota() -> tuple[int, int]:
    """See `cpu.max` in the kernel's cgroup-v2.rst: a quota and its period, or `max`."""
    try:
        quota, period = QUOTA.read_text().split()
        return int(quota), int(period)
    except (OSError, ValueError):
        return 0, 0


def _old_quota() -> tuple[int, int]:
    """See sched-bwc.rst: -1 for none."""
    try:
        return int(OLD_QUOTA.read_text()), int(OLD_PERIOD.read_text())
    except (OSError, ValueError):
        return 0, 0
