"""Detects state of a session that a new session would not have: settings, tables, locks."""

from __future__ import annotations

from typing import Any

from ctest_containers.backends.clocks import TEXT
from ctest_containers.backends.support import SessionQuestions


def session_state(cursor: Any, session: SessionQuestions) -> str:
    """Return text that changes if the session gains state of its own."""
    results = []
    for query in session.queries:
        cursor.execute(query)
        results.append(repr([tuple(row) for row in cursor.fetchall()]))
    return "\n".join(results)


def keeps_something(statement: str, session: SessionQuestions) -> bool:
    """Return whether a statement leaves state in its session that `session_state` may miss."""
    text = statement.lower()
    # Most statements of migrations are long and have none of these words.
    if session.keeping is None or not any(word in text for word in session.keeping_words):
        return False
    pattern = session.keeping
    return bool(pattern.search(statement) and pattern.search(TEXT.sub("''", statement)))
