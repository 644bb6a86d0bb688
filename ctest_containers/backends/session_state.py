"""State of a database session that a new session would not have: settings, tables, locks."""

from __future__ import annotations

from typing import Any

from ctest_containers.backends.clocks import TEXT
from ctest_containers.backends.support import SessionQuestions


def session_state(cursor: Any, session: SessionQuestions) -> str:
    """A text that changes if the session gets something of its own."""
    found = []
    for query in session.queries:
        cursor.execute(query)
        found.append(repr([tuple(row) for row in cursor.fetchall()]))
    return "\n".join(found)


def keeps_something(statement: str, session: SessionQuestions) -> bool:
    """Whether a statement leaves something in its session that `session_state` may not see."""
    text = statement.lower()
    # Most statements of migrations have none, and are long.
    if session.keeping is None or not any(word in text for word in session.keeping_words):
        return False
    pattern = session.keeping
    return bool(pattern.search(statement) and pattern.search(TEXT.sub("''", statement)))
