"""Every option, and what follows from them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.config.sections.cluster import ClusterOptions
from ctest_containers.config.sections.failures import KEPT_AT_A_TERMINAL, FailureOptions
from ctest_containers.config.sections.limits import LimitOptions
from ctest_containers.config.sections.reruns import RerunOptions
from ctest_containers.config.sections.servers import ServerOptions
from ctest_containers.config.sections.templates import TemplateOptions, image_field
from ctest_containers.config.sections.tests import TestOptions
from ctest_containers.config.sections.usage import UsageOptions
from ctest_containers.config.sections.workers import WorkerOptions
from ctest_containers.limits import Limits, limits
from ctest_containers.report.formats import ReportOptions

LIKE_OTHERS: Final = frozenset(
    {
        *("app", "backend", "code", "django", "example", "project", "server", "site", "source"),
        *("src", "test", "testproject", "tests", "web", "www"),
    }
)
"""Names that folders of many projects have."""


@dataclass(frozen=True, kw_only=True)
class Config(
    ReportOptions,
    LimitOptions,
    WorkerOptions,
    ServerOptions,
    TemplateOptions,
    ClusterOptions,
    FailureOptions,
    RerunOptions,
    UsageOptions,
    TestOptions,
):
    """The effective configuration of one run.

    Fields, and so the rows of help and documentation, begin with those of the last base.
    """


def image_of(config: Config, vendor: str, alias: str) -> str:
    """The configured image for an alias; empty for the toolkit's own."""
    return dict(config.images).get(alias) or str(getattr(config, image_field(vendor), ""))


def failures_to_keep(config: Config) -> int:
    """How many failures are kept: as configured, or by default some at a terminal."""
    if config.keep_failed is not None:
        return config.keep_failed
    if config.keep_failed_dir:
        return KEPT_AT_A_TERMINAL
    is_watched = sys.stdout.isatty() and not os.environ.get("CI")
    return KEPT_AT_A_TERMINAL if is_watched else 0


def limits_of(config: Config) -> Limits:
    """The time limits that follow from what was configured."""
    return limits(
        main=config.timeout,
        per_test=config.timeout_per_test,
        per_worker=config.timeout_per_worker,
        whole_run=config.timeout_global,
    )


def project_of(config: Config) -> str:
    """The name of the project: the configured one, or that of the current folder.

    Many projects have their manage.py in a folder of the same name; the name of the folder above
    distinguishes them.
    """
    here = Path.cwd()
    if config.project or here.name.lower() not in LIKE_OTHERS or not here.parent.name:
        return config.project or here.name
    return f"{here.parent.name}-{here.name}"
