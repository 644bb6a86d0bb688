"""Django's own runner with one PostgresContainer for a run, which is migrated and cloned there."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.test.runner import DiscoverRunner

from harness.bench.testcontainers_server import container


class ContainerPerRun(DiscoverRunner):
    """Starts a server before the databases are made, and removes it after them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._undo = ExitStack()

    def setup_databases(self, **options: Any) -> Any:
        """See Django."""
        with ExitStack() as undo:
            connections["default"].settings_dict.update(undo.enter_context(container()))
            made = super().setup_databases(**options)
            self._undo = undo.pop_all()
        return made

    def teardown_databases(self, old_config: Any, **options: Any) -> None:
        """See Django."""
        with self._undo:
            super().teardown_databases(old_config, **options)
