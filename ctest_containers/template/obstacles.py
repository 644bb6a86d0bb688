"""Finds out why no later build can resume from a milestone."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, Final

from ctest_containers.backends.session_state import keeps_something, session_state
from ctest_containers.backends.support import SessionQuestions
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.recorder import Recorder
from ctest_containers.template.process_state import process_state

SESSION_CHANGED: Final = "a migration changed the session of the database {!r}"


class Obstacles:
    """What migrations have changed in the process and in the sessions that migrate.

    Attributes:
        first: The first obstacle; an empty string if there is none. It persists, because any later
            migration may read what has changed.
    """

    def __init__(self, session: SessionQuestions, recorder: Recorder) -> None:
        self.first = ""
        self._session = session
        self._recorder = recorder
        self._project = PortablePaths.here()
        self._process: dict[str, str] = {}
        self._sessions: dict[str, str] = {}

    @property
    def has_begun(self) -> bool:
        """Whether the state of the process before the first migration is known."""
        return bool(self._process)

    def begin(self) -> None:
        """Remember the state of the process."""
        self._process = process_state()

    def begin_session(self, connection: Any) -> None:
        """Remember the state of a database's session, unless it is known already."""
        if connection.alias not in self._sessions:
            self._sessions[connection.alias] = self._session_state(connection)

    def note(self, obstacle: str) -> None:
        """Note an obstacle, unless there is one already."""
        self.first = self.first or obstacle

    def read_statement(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any
    ) -> Any:
        """Execute a statement, and note an obstacle if it changes the session."""
        if keeps_something(str(sql), self._session):
            self.note(SESSION_CHANGED.format(context["connection"].alias))
        return execute(sql, params, many, context)

    def is_resumable(self) -> bool:
        """Return whether the process and the sessions are as they were at the beginning."""
        from django.db import connections

        if any(connection.in_atomic_block for connection in connections.all(initialized_only=True)):
            return False
        for path in sorted(self._recorder.written()):
            # The name of a temporary file is empty.
            name = self._project.name_of(os.path.realpath(path))
            if name and "__pycache__" not in path:
                self.note(f"{name} was written to while migrations ran")
        if not self.first:
            digests = process_state()
            for part in (part for part in digests if digests[part] != self._process[part]):
                self.note(f"a migration changed {part}")
        for alias, state in self._sessions.items():
            if not self.first and self._session_state(connections[alias]) != state:
                self.note(SESSION_CHANGED.format(alias))
        return not self.first

    def _session_state(self, connection: Any) -> str:
        with connection.cursor() as cursor:
            return session_state(cursor, self._session)
