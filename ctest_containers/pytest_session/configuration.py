"""The configuration of a pytest session, from settings and environment, and its workers."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from ctest_containers.capacity import plan_workers
from ctest_containers.capacity.memory import available_bytes
from ctest_containers.config import Config, resolve
from ctest_containers.errors import UsageError
from ctest_containers.project import isolation
from ctest_containers.project import settings as project_settings
from ctest_containers.project.process import ProjectSetup
from ctest_containers.pytest_session.creation import create_databases, creation_of_settings
from ctest_containers.supply.supply import Supply
from ctest_containers.timings import TimingsFile
from ctest_containers.timings.store import default_path


def checked_configuration(options: Mapping[str, object]) -> Config:
    """Return the configuration of a session that begins.

    Args:
        options: Those of pytest's command line by their names in `Config`; None if not given.

    Raises:
        UsageError: There are no settings, or an option in them or in the environment is wrong.
    """
    config = resolve_config(options)
    if config.stress is not None:
        raise UsageError(
            "pytest --ctest cannot repeat tests with the option STRESS.",
            "Remove STRESS from the setting CTEST_CONTAINERS, or unset CTEST_CONTAINERS_STRESS.",
        )
    if config.worker_setup:
        isolation.worker_function(config.worker_setup)
    if config.leaks != "off":
        raise UsageError(
            "pytest --ctest cannot look for leaks: a fixture of pytest may leave rows for a module "
            "or the whole session on purpose.",
            "Set CTEST_CONTAINERS_LEAKS=off for pytest, and look for leaks with python -m "
            "ctest_containers --leaks report.",
        )
    if config.explain and config.affected is None:
        raise UsageError("--ctest-explain has no effect without --ctest-affected.")
    return config


def workers_carried() -> int:
    """Return how many workers suit this machine, by its cores, memory and past runs.

    Raises:
        CtestError: The settings are wrong, or the engine of another machine does not answer.
    """
    config = resolve_config()
    supply = Supply(
        config=config,
        setup=ProjectSetup(spawned=True),
        create=functools.partial(create_databases, creation_of_settings()),
        report=lambda _: None,
    )
    try:
        groups = supply.databases.plans.groups
        labels = [group.label for group in groups if group.has_server]
        path = Path(config.timings_file or default_path(supply.project))
        timings, _ = TimingsFile(path).read()
        plan = plan_workers(
            asked=None,
            cores=os.cpu_count() or 1,
            batches=None,
            available_bytes=available_bytes(),
            minimum=config.min_workers,
            maximum=config.max_workers,
            measured_bytes=timings.worker_bytes(labels),
            engine_bytes=supply.host.free_bytes(groups),
        )
    finally:
        supply.close()
    return plan.workers


def resolve_config(options: Mapping[str, object] | None = None) -> Config:
    """Return the configuration of the project.

    Args:
        options: Those of pytest's command line by their names in `Config`; None if not given.

    Raises:
        UsageError: There are no settings, or an option in them or in the environment is wrong.
    """
    try:
        return resolve(
            settings=project_settings.options(), environment=os.environ, options=options or {}
        )
    except ImproperlyConfigured as error:
        raise UsageError(
            f"--ctest cannot find the Django settings: {error}",
            "Set --ds mysite.settings, or DJANGO_SETTINGS_MODULE in pytest's ini file.",
        ) from error
