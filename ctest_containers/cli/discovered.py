"""Discovers tests for commands that do something else with them than a run does."""

from __future__ import annotations

import unittest
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.test.utils import iter_test_cases  # type: ignore[attr-defined]  # not in the stubs

from ctest_containers.errors import CtestError
from ctest_containers.project.connections import mark_expectations
from ctest_containers.project.interrupts import interruptible
from ctest_containers.runner import ContainerRunnerMixin
from ctest_containers.session import Session
from ctest_containers.session.exits import exit_with
from ctest_containers.session.planning import RunPlan
from ctest_containers.supply.supply import Supply
from ctest_containers.template import ProjectTemplate


def plan_tests(runner: ContainerRunnerMixin, test_labels: Sequence[str]) -> RunPlan:
    """Plan a run of these tests, without starting anything.

    Raises:
        SystemExit: It cannot be planned; a message has been printed.
    """
    with _discovered(runner, test_labels) as (session, tests, aliases):
        return session.plan(tests, aliases)


@contextmanager
def wanted_templates(
    runner: ContainerRunnerMixin, test_labels: Sequence[str], *, existing: bool = True
) -> Iterator[tuple[Supply, list[ProjectTemplate]]]:
    """The templates that a run of these tests would use, whether they exist or not.

    Args:
        existing: Whether to ask which of them exist; needs the engine.

    Raises:
        SystemExit: They cannot be identified; a message has been printed.
    """
    with _discovered(runner, test_labels) as (session, _, aliases):
        databases = session.supply.databases
        groups = databases.plans.select(aliases)
        identify = databases.identify if existing else databases.describe
        yield session.supply, [identify(group) for group in groups]


@contextmanager
def prepared(
    runner: ContainerRunnerMixin,
) -> Iterator[tuple[Session, Sequence[unittest.TestCase], Mapping[str, bool]]]:
    """Discover all tests and prepare their templates, for a command that runs tests itself.

    Yields:
        The session, the tests in Django's order, and the aliases that they use; each says
        whether its contents have to be serialized.

    Raises:
        CtestError: The templates cannot be prepared.
    """
    runner.parallel = 1
    runner.setup_test_environment()
    with interruptible(), runner.quiet_session(()) as session:
        session.executor.start_early()
        suite: Any = runner.build_suite([])
        aliases: dict[str, bool] = dict(runner.get_databases(suite))  # type: ignore[arg-type]
        session.executor.prepare(aliases)
        mark_expectations(aliases)
        yield session, list(iter_test_cases(suite)), aliases


@contextmanager
def _discovered(
    runner: ContainerRunnerMixin, test_labels: Sequence[str]
) -> Iterator[tuple[Session, Sequence[unittest.TestCase], set[str]]]:
    try:
        runner.parallel = 1
        runner.setup_test_environment()
        suite: Any = runner.build_suite(test_labels)
        aliases = set(runner.get_databases(suite))
        with runner.quiet_session(test_labels) as session:
            yield session, session.selected(list(iter_test_cases(suite))), aliases
    except CtestError as error:
        exit_with(error)
