"""What the databases of a run contain before the first test, and what that changes for tests."""

from __future__ import annotations

import unittest
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from django.db import connections

from ctest_containers.errors import EngineError, ServerError
from ctest_containers.events import ReportLost
from ctest_containers.project.suite import aliases_of
from ctest_containers.session.context import RunContext
from ctest_containers.session.executor import Executor
from ctest_containers.session.worker_config import records

if TYPE_CHECKING:
    from ctest_containers.impact.inputs import Inputs


class RunSchemas:
    """Summaries of the databases of a run, read once.

    Args:
        context: Returns the run's context.
        executor: Returns what prepares databases.

    Attributes:
        known: The summaries as JSON data, by the aliases of the databases.
    """

    def __init__(self, context: Callable[[], RunContext], executor: Callable[[], Executor]) -> None:
        self._context = context
        self._executor = executor
        self.known: dict[str, Any] = {}

    def prepare(self, aliases: Collection[str]) -> None:
        """Make sure that the templates of databases exist, and summarize them for a recording."""
        self._executor().prepare(aliases)
        if records(self._context().config):
            self._read(aliases)

    def reaches(
        self, recorded: Inputs, tests: Sequence[unittest.TestCase]
    ) -> Callable[[str, str], str] | None:
        """See `Reaches`."""
        aliases = aliases_of(tests, frozenset(connections))
        self._executor().prepare(aliases)
        self._read(aliases)
        if not aliases <= self.known.keys():
            return None
        from ctest_containers.impact.reaching import reaching

        return reaching(recorded.schemas, self.known)

    def _read(self, aliases: Collection[str]) -> None:
        context, missing = self._context(), set(aliases) - self.known.keys()
        if not missing or context.config.cluster:
            return
        # Most runs do not need what it imports.
        from ctest_containers.supply.summaries import summaries_of

        try:
            self.known |= summaries_of(context.supply, missing)
        except (ServerError, EngineError) as error:
            context.report(ReportLost(reason=f"The databases cannot be summarized: {error}"))
