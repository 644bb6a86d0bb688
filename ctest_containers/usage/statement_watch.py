"""Notes the SQL statements that are sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.originals import ORIGINALS
from ctest_containers.statements.normalized import normalized
from ctest_containers.usage.functions import Hook
from ctest_containers.usage.notes import Notes, Sent
from ctest_containers.usage.project_files import TOOLKIT, ProjectFiles

__unittest = True

RUNNING_TESTS: Final = f"{TOOLKIT}workers/"
"""Code of the toolkit that calls what unittest and Django call."""


class StatementWatch:
    """Notes statements by alias and normalized text, with the lines of the project that sent them.

    Args:
        notes: Returns the notes of the unit that runs.
    """

    def __init__(self, notes: Callable[[], Notes], files: ProjectFiles) -> None:
        self._notes = notes
        self._files = files
        # A thread sends one statement at a time.
        self._since: dict[int, float] = {}

    def hooks(self) -> Iterator[tuple[CodeType, Hook]]:
        """The code of each function that sends statements, and its hook."""
        from django.db.backends.utils import CursorWrapper

        hook = Hook(self._note_start, self._note_end)
        for name in ("_execute", "_executemany"):
            yield getattr(CursorWrapper, name).__code__, hook

    def _note_start(self, _: FrameType) -> None:
        self._since[threading.get_ident()] = ORIGINALS.monotonic()

    def _note_end(self, frame: FrameType) -> None:
        now = ORIGINALS.monotonic()
        began = self._since.pop(threading.get_ident(), now)
        place = self._place(frame)
        if place is None:
            return
        names = frame.f_locals
        connection = names["self"].db
        sql = names["sql"]
        text = sql if isinstance(sql, str) else _text_of(sql, names["self"])
        statements = self._notes().statements
        key = connection.alias, normalized(text, connection.vendor)
        sent = statements.get(key)
        if sent is None:
            sent = statements[key] = Sent()
        sent.count += 1
        sent.seconds += now - began
        if place:
            sent.places[place] = sent.places.get(place, 0) + 1

    def _place(self, frame: FrameType | None) -> str | None:
        """The line of the project that sends a statement; None if the toolkit itself does."""
        is_wanted = self._files.is_wanted
        while frame is not None:
            file = frame.f_code.co_filename
            if is_wanted(file):
                return f"{self._files.name_of(file)}:{frame.f_lineno}"
            if file.startswith(TOOLKIT):
                return "" if file.startswith(RUNNING_TESTS) else None
            frame = frame.f_back
        return ""


def _text_of(sql: Any, cursor: Any) -> str:
    """The text of a statement that psycopg gets in parts."""
    with suppress(Exception):
        return str(sql.as_string(cursor.connection))
    return sql.decode(errors="replace") if isinstance(sql, bytes) else str(sql)
