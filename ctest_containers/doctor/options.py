"""Options that need something that is missing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Final

from ctest_containers.config import Config, limits_of
from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, error, warning

EXTRAS: Final = (
    ("prometheus", "prometheus_client", "prometheus", lambda config: bool(config.prometheus)),
    (
        "prometheus_gateway",
        "prometheus_client",
        "prometheus",
        lambda config: bool(config.prometheus_gateway),
    ),
    ("log_format", "pythonjsonlogger", "json", lambda config: config.log_format == "json"),
)
"""For each option the module that it needs, the extra with it, and whether it is set."""


def check_options(context: DoctorContext) -> Iterator[Finding]:
    """Check for missing extras, and for options that contradict each other."""
    config = context.config
    for name, module, extra, is_wanted in EXTRAS:
        if is_wanted(config) and importlib.util.find_spec(module) is None:
            yield error(
                Area.OPTIONS,
                f"The option {name} needs {module}, which is not installed.",
                f'Run `pip install "ctest-containers[{extra}]"`.',
            )
    if config.push and not config.registry:
        yield error(
            Area.OPTIONS,
            "The option push is set, but the option registry is not.",
            "Set one with `--registry`, or remove `--push`.",
        )
    yield from _limits(config)
    if context.project is not None and config.worker_setup:
        yield from _worker_setup(config.worker_setup)


def _limits(config: Config) -> Iterator[Finding]:
    for inversion in limits_of(config).inversions():
        yield warning(
            Area.OPTIONS,
            inversion,
            "Make each limit larger than the one before it: `--timeout-per-test`, "
            "`--timeout-per-worker`, `--timeout-global`.",
        )


def _worker_setup(path: str) -> Iterator[Finding]:
    from django.utils.module_loading import import_string

    try:
        function = import_string(path)
    except Exception as problem:  # noqa: BLE001  # A module of the project's may raise anything.
        yield error(
            Area.OPTIONS,
            f"The function worker_setup={path!r} cannot be imported: {problem}.",
            "Correct `--worker-setup`, or WORKER_SETUP in the setting CTEST_CONTAINERS.",
        )
        return
    if not callable(function):
        yield error(
            Area.OPTIONS,
            f"worker_setup={path!r} is not a function.",
            "Name a function that accepts a worker: `--worker-setup package.module.function`.",
        )
