"""Collects the queries that Django logs, for --debug-sql."""

from __future__ import annotations

import logging
from io import StringIO
from typing import Final

LOGGER: Final = "django.db.backends"


class QueryLog:
    """Collects what Django logs about queries, if enabled, until it is closed."""

    def __init__(self, *, enabled: bool) -> None:
        self._text = StringIO()
        self._handler: logging.Handler | None = None
        if enabled:
            logger = logging.getLogger(LOGGER)
            logger.setLevel(logging.DEBUG)
            self._handler = logging.StreamHandler(self._text)
            logger.addHandler(self._handler)

    def take(self) -> str:
        """Return the queries since the last call."""
        queries = self._text.getvalue()
        if queries:
            self._text.seek(0)
            self._text.truncate()
        return queries

    def close(self) -> None:
        """Stop collecting."""
        if self._handler is not None:
            logging.getLogger(LOGGER).removeHandler(self._handler)
