"""Scenes for checks: a machine, an engine and a project as a test wants them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ctest_containers.config import Config
from ctest_containers.doctor.context import DoctorContext, Project
from ctest_containers.doctor.finding import Finding, Severity
from ctest_containers.engine.facts import EngineFacts, EngineKind
from ctest_containers.engine.reach import DEFAULT, Reach
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor
from ctest_containers.project.databases import DatabasePlans

FACTS = EngineFacts(
    kind=EngineKind.DOCKER,
    version="28.2.2",
    api="1.50",
    rootless=False,
    storage_driver="overlay2",
    root="/var/lib/docker",
    missing_limits=(),
    cgroup_version="2",
    clock_ahead_seconds=0.0,
)


def facts(**changes: Any) -> EngineFacts:
    """A Docker Engine with which all is well, but for some changes."""
    return replace(FACTS, **changes)


def context(folder: Path, **changes: Any) -> DoctorContext:
    """A folder without a project, on a machine whose engine has not been asked, with changes."""
    usual: dict[str, Any] = {
        "folder": folder,
        "cache": folder / "cache",
        "config": Config(project="shop"),
        "project": None,
        "reached": Reach(address=DEFAULT),
    }
    return DoctorContext(**{**usual, **changes})


def group(vendor: str = "postgresql", image: str = "", name: str = "test") -> DatabaseGroup:
    """The default database, on a server of its own."""
    database = DatabasePlan(name=name, aliases=("default",), image=image)
    return DatabaseGroup(vendor=Vendor(vendor), number=1, databases=(database,))


def project(*groups: DatabaseGroup, **changes: Any) -> Project:
    """A project whose tests use all of these databases."""
    usual: dict[str, Any] = {
        "config": Config(project="shop"),
        "plans": DatabasePlans(tuple(groups), {}),
        "groups": tuple(groups),
        "aliases": frozenset(alias for one in groups for alias in one.aliases),
    }
    return Project(**{**usual, **changes})


def worst(found: Any) -> list[Finding]:
    """The findings with which something is to be done."""
    return [one for one in found if one.severity in {Severity.WARNING, Severity.ERROR}]
