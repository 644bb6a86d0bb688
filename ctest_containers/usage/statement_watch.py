"""Notes the SQL statements that are sent."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import CodeType, FrameType
from typing import Any, Final

from ctest_containers.originals import ORIGINALS
from ctest_containers.recording.askers import NAMES_OF_MANY
from ctest_containers.statements.normalized import LONGEST_CACHED, normalized
from ctest_containers.usage.hooks import Hook
from ctest_containers.usage.notes import Notes, Sent
from ctest_containers.usage.project_files import TOOLKIT, ProjectFiles

__unittest = True

RUNNING_TESTS: Final = f"{TOOLKIT}workers/"
"""Code of the toolkit that calls what unittest and Django call."""

MOST_TEXTS: Final = 4096
"""How many statements' depths and normalized texts are remembered."""

TOOLKIT_S: Final = "(the toolkit)"
"""Stands for the places of statements that the toolkit itself sends."""

PASSING_ON: Final = "call_command"
"""The function of the toolkit through which Django loads the fixtures of a class."""

OF_SAVEPOINTS: Final = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")

OF_TRANSACTIONS: Final = (*OF_SAVEPOINTS, "BEGIN")
"""Statements of Django's transactions, which are frequent, and whose places are not needed."""


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
        self._places: dict[str, str | None] = {}
        self._depths: dict[str, int] = {}
        self._texts: dict[str, dict[str, str]] = {}

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
        names = frame.f_locals
        sql, cursor = names["sql"], names["self"]
        text = sql if isinstance(sql, str) else _text_of(sql, cursor)
        place = "" if text.startswith(OF_TRANSACTIONS) else self._place(text, frame)
        if place is None:
            return
        connection = cursor.db
        statements = self._notes().statements
        key = connection.alias, self._normalized(text, connection.vendor)
        sent = statements.get(key)
        if sent is None:
            sent = statements[key] = Sent()
        sent.count += 1
        sent.seconds += now - began
        if place:
            sent.places[place] = sent.places.get(place, 0) + 1

    def _normalized(self, text: str, vendor: str) -> str:
        if text.startswith(OF_SAVEPOINTS):
            # Each has another name.
            text = f"{text.rpartition(' ')[0]} x"
        known = self._texts.setdefault(vendor, {})
        if (normal := known.get(text)) is None:
            if len(known) >= MOST_TEXTS or len(text) > LONGEST_CACHED:
                known.clear()
            normal = known[text] = normalized(text, vendor)
        return normal

    def _place(self, text: str, frame: FrameType) -> str | None:
        """The line of the project that sends a statement; None if the toolkit itself does.

        The walk through all callers is slow. The same statement is mostly sent at the same depth,
        so the caller at that depth is taken if it is the project's as well.

        Args:
            frame: The function that sends it.
        """
        depth = self._depths.get(text)
        if depth is not None:
            caller: FrameType | None = frame
            for _ in range(depth):
                if caller is None:
                    break
                caller = caller.f_back
            if caller is not None:
                place = self._places.get(caller.f_globals.get("__name__", ""))
                if place and place is not TOOLKIT_S:
                    return f"{place}:{caller.f_lineno}"
        return self._walk(text, frame)

    def _walk(self, text: str, frame: FrameType | None) -> str | None:
        places, depth = self._places, 0
        while frame is not None:
            # Reading a frame's code raises an audit event, which takes longer than all the rest.
            name = frame.f_globals.get("__name__", "")
            place = places[name] if name in places else self._place_at(frame, name)
            if place is TOOLKIT_S and frame.f_code.co_name == PASSING_ON:
                place = None
            if place is not None:
                if place is TOOLKIT_S:
                    return None
                if not place:
                    return ""
                if len(self._depths) >= MOST_TEXTS:
                    self._depths.clear()
                self._depths[text] = depth
                return f"{place}:{frame.f_lineno}"
            frame = frame.f_back
            depth += 1
        return ""

    def _place_at(self, frame: FrameType, name: str) -> str | None:
        """How places in the file of a frame begin; None if its callers decide."""
        file = frame.f_code.co_filename
        place = self._place_of(file)
        if name not in NAMES_OF_MANY and not file.startswith("<"):
            self._places[name] = place
        return place

    def _place_of(self, file: str) -> str | None:
        """How places in a file begin; None if its callers decide."""
        if self._files.is_wanted(file):
            return self._files.name_of(file) or file
        if file.startswith(RUNNING_TESTS):
            return ""
        return TOOLKIT_S if file.startswith(TOOLKIT) else None


def _text_of(sql: Any, cursor: Any) -> str:
    """The text of a statement that psycopg gets in parts."""
    with suppress(Exception):
        return str(sql.as_string(cursor.connection))
    return sql.decode(errors="replace") if isinstance(sql, bytes) else str(sql)
