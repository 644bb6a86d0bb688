"""Finds out what a loaded project has: its options, its databases and its tests.

No database is connected to. What asks one while it is imported gets an isolated one in a run, and
is left out here.
"""

from __future__ import annotations

import os
import unittest
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from ctest_containers.config import Config, resolve
from ctest_containers.doctor.context import Project
from ctest_containers.doctor.finding import Area, Finding, note, ok, warning
from ctest_containers.errors import CtestError, UnsupportedVendorError
from ctest_containers.project import settings as project_settings
from ctest_containers.project.databases import DatabasePlans
from ctest_containers.project.guard import guarded
from ctest_containers.project.suite import make_batches
from ctest_containers.supply.plans import plan_for
from ctest_containers.text import listing, plural


class NoDatabaseHere(CtestError):  # noqa: N818  # What happens, as a module's import meets it.
    """Something connects to a database, and the doctor starts none."""


def configuration(options: dict[str, Any]) -> Config:
    """What is configured for the loaded project.

    Raises:
        UsageError: A value or a name is not one that the table has.
    """
    return resolve(settings=project_settings.options(), environment=os.environ, options=options)


def discover(runner: Any, labels: Sequence[str], config: Config) -> Project:
    """Let the project's own runner find the tests, and read the rest from the settings.

    Args:
        runner: Combined with containers; it has no session.

    Raises:
        CtestError: The options name an image for an unknown alias, or a server setting that is
            not allowed.
    """
    plans = plan_for(config)
    asked = runner.parallel or None
    with ExitStack() as undo:
        undo.enter_context(guarded(_refuse))
        # One process as far as Django's own way of running in parallel is concerned.
        runner.parallel = 1
        runner.setup_test_environment()
        undo.callback(runner.teardown_test_environment)
        suite = runner.build_suite(list(labels))
        aliases = frozenset(runner.get_databases(suite))
        tests = list(_cases(suite))
    failed = [test for test in tests if _failure(test) is not None]
    return Project(
        config=config,
        plans=plans,
        tests=tests,
        unloadable={test._testMethodName: str(_failure(test)) for test in failed},
        aliases=aliases,
        groups=_groups(plans, aliases),
        batches=make_batches(tests, aliases),
        asked=asked,
        runner_inputs=tuple(runner.fingerprint_inputs()),
    )


def check_tests(project: Project) -> Iterator[Finding]:
    """Count the tests, and name the modules of tests that cannot be imported."""
    loaded = len(project.tests) - len(project.unloadable)
    if not project.tests:
        yield note(
            Area.PROJECT,
            "No tests were found.",
            "Check that this folder contains manage.py and that the labels are correct.",
        )
        return
    used = ", ".join(map(repr, sorted(project.aliases))) or "none"
    yield ok(Area.PROJECT, f"{plural(loaded, 'test')} found; the databases that they use: {used}.")
    asking = [name for name, why in project.unloadable.items() if NoDatabaseHere.__name__ in why]
    if asking:
        yield note(
            Area.PROJECT,
            f"A database is queried when {listing(asking)} is imported. A run provides an "
            "isolated one; the doctor skips these tests.",
        )
    for name, why in project.unloadable.items():
        if name not in asking:
            yield warning(
                Area.PROJECT,
                f"The tests in {name} cannot be imported: {_last_line(why)}",
                f"Run `python -m ctest_containers {name}` to see where it fails.",
            )


def _refuse(alias: str) -> None:
    raise NoDatabaseHere(f"The database {alias!r} is queried while tests are imported.")


def _groups(plans: DatabasePlans, aliases: frozenset[str]) -> Any:
    try:
        return plans.select(aliases)
    except UnsupportedVendorError:
        return plans.select(aliases - set(plans.unsupported))


def _cases(suite: Any) -> Iterator[unittest.TestCase]:
    from django.test.utils import iter_test_cases  # type: ignore[attr-defined]  # not in the stubs

    return iter(iter_test_cases(suite))


def _failure(test: Any) -> object | None:
    """The error that unittest got from importing a module; None for a real test."""
    return getattr(test, "_exception", None)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].strip() if lines else "without a message"
