"""What the databases of a run contain before the first test, and what that changes for tests."""

from __future__ import annotations

import unittest
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from django.db import connections

from ctest_containers.errors import EngineError, ServerError
from ctest_containers.events import ReportLost
from ctest_containers.impact.inputs import Inputs
from ctest_containers.impact.schema import SchemaChange, touches
from ctest_containers.impact.schema_changes import schema_changes
from ctest_containers.impact.vendors import vendor_of
from ctest_containers.project.suite import aliases_of
from ctest_containers.session.context import RunContext
from ctest_containers.session.executor import Executor
from ctest_containers.session.worker_config import records
from ctest_containers.statements.touched import touched
from ctest_containers.supply.summaries import summaries_of


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
        if aliases <= self.known.keys():
            return reaching(recorded.schemas, self.known)
        return None

    def _read(self, aliases: Collection[str]) -> None:
        context, missing = self._context(), set(aliases) - self.known.keys()
        if not missing or context.config.cluster:
            return
        try:
            self.known |= summaries_of(context.supply, missing)
        except (ServerError, EngineError) as error:
            context.report(ReportLost(reason=f"The databases cannot be summarized: {error}"))


def reaching(recorded: Mapping[str, Any], today: Mapping[str, Any]) -> Callable[[str, str], str]:
    """Return what differs between the databases of two runs; see `Changes.reaches`.

    Args:
        recorded: Summaries of when tests were recorded, by alias.
        today: Today's summaries. Aliases that only the recording has are not compared.
    """
    compared = {alias: summary for alias, summary in recorded.items() if alias in today}
    changes: dict[str, list[SchemaChange]] = defaultdict(list)
    for change in schema_changes(compared, today):
        changes[change.alias].append(change)

    def reaches(alias: str, text: str) -> str:
        if alias not in changes:
            return ""
        statement = touched(text, vendor_of(alias))
        return next((change.text for change in changes[alias] if touches(change, statement)), "")

    return reaches
