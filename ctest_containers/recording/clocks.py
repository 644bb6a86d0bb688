"""Records the clocks and random numbers that a build uses, as a later build gets other values."""

from __future__ import annotations

import re
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from types import CodeType, FrameType, FunctionType
from typing import Any, Final

CLOCKS: Final = frozenset(
    {
        *("datetime.datetime.now", "datetime.datetime.today", "datetime.datetime.utcnow"),
        *("datetime.date.today", "time.ctime", "time.gmtime", "time.localtime", "time.strftime"),
        *("time.time", "time.time_ns", "django.utils.timezone.localdate"),
        *("django.utils.timezone.localtime", "django.utils.timezone.now"),
        *("os.getrandom", "os.urandom", "uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7"),
        "django.utils.crypto.get_random_string",
    }
)
"""Functions that return another value at each call."""

RANDOM: Final = re.compile(r"(random|secrets|numpy\.random)\.(?!(System)?Random$|seed$|compare)")
"""Prefixes of the dotted names of further such functions."""

OF_PROCESSES: Final = frozenset(
    {
        *("os.getpid", "tempfile.mkdtemp", "tempfile.mkstemp", "tempfile.gettempdir"),
        *("time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns"),
        *("time.process_time", "threading.get_ident"),
    }
)
"""Functions that return another value in each process; rows rarely contain it."""

HISTORY: Final = "/django/db/migrations/recorder.py"
"""The file that records when each migration was applied, which no test reads."""

NEW_COLUMNS: Final = "effective_default"
"""The function that computes the value of a new column in existing rows."""


def is_clock(name: str) -> bool:
    """Whether the function with this dotted name returns another value at each call."""
    return name in CLOCKS or RANDOM.match(name) is not None


def varies(name: str) -> bool:
    """Whether the function with this dotted name returns another value in each process."""
    return name in OF_PROCESSES or is_clock(name)


class ClockRecorder:
    """Records, from `start` to `stop`, the clocks that Django and SQL statements use.

    Clocks that the project's functions call by name are found in their source.

    Args:
        clock_in: Returns the clock that a statement uses; empty for none.
    """

    def __init__(self, clock_in: Callable[[str], str]) -> None:
        self._clock_in = clock_in
        self._found: set[str] = set()
        self._undo = ExitStack()

    def start(self) -> None:
        """Start recording."""
        from django.db import connections
        from django.db.models import DateField, DateTimeField, TimeField
        from django.utils import crypto, timezone

        for function in (timezone.now, crypto.get_random_string, uuid.uuid1, uuid.uuid4):
            self._watch(function)
        for kind in (DateField, DateTimeField, TimeField):
            self._watch_field(kind)
        self._watch_defaults()
        # The module of another vendor may lack its driver, and is not used here.
        for connection in connections.all(initialized_only=True):
            self._undo.enter_context(connection.execute_wrapper(self._read_statement))

    def so_far(self) -> set[str]:
        """Everything recorded so far."""
        return self._found

    def stop(self) -> None:
        """Stop recording."""
        self._undo.close()

    def _watch(self, function: Any) -> None:
        """Record calls of a function, including those through names imported earlier."""
        name = f"{function.__module__}.{function.__name__}"
        original = FunctionType(
            function.__code__, function.__globals__, name, function.__defaults__
        )
        original.__kwdefaults__ = function.__kwdefaults__

        def called(*arguments: Any, **options: Any) -> Any:
            self._note(name)
            return original(*arguments, **options)

        _CALLED[name] = called
        code = function.__code__
        function.__code__ = _calling(name)
        self._undo.callback(setattr, function, "__code__", code)

    def _watch_field(self, kind: Any) -> None:
        """Record that a field of this kind sets the current time by itself."""
        original = kind.pre_save

        def pre_save(field: Any, instance: Any, add: bool) -> Any:  # noqa: FBT001  # As Django's.
            if field.auto_now or (field.auto_now_add and add):
                self._note(f"{kind.__name__} with auto_now")
            return original(field, instance, add)

        self._undo.callback(setattr, kind, "pre_save", original)
        kind.pre_save = pre_save

    def _watch_defaults(self) -> None:
        """Record that the default of a field is a clock."""
        from django.db.models import Field

        original = Field.get_default

        def get_default(field: Any) -> Any:
            if callable(field.default) and is_clock(_whole_name(field.default)):
                self._note(_whole_name(field.default))
            return original(field)

        self._undo.callback(setattr, Field, "get_default", original)
        setattr(Field, "get_default", get_default)  # noqa: B010  # mypy knows it as a method.

    def _note(self, name: str) -> None:
        for frame in _frames(sys._getframe(2)):
            if frame.f_code.co_filename.endswith(HISTORY):
                return
            if frame.f_code.co_name == NEW_COLUMNS and not _has_rows(frame):
                return
        self._found.add(name)

    def _read_statement(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: Any, context: Any
    ) -> Any:
        if clock := self._clock_in(sql if isinstance(sql, str) else _text_of(sql, context)):
            self._found.add(f"{clock} in SQL")
        return execute(sql, params, many, context)


_CALLED: dict[str, Callable[..., Any]] = {}
"""The replacements of watched functions, in this process."""


def _calling(name: str) -> CodeType:
    """The code of a function that calls the entry of `_CALLED` with this name."""
    text = (
        "lambda *arguments, **options: __import__('sys').modules"
        f"[{__name__!r}]._CALLED[{name!r}](*arguments, **options)"
    )
    function: FunctionType = eval(text)  # noqa: S307
    return function.__code__


def _whole_name(function: Any) -> str:
    """The dotted name of a function: `datetime.datetime.now`, `random.random`."""
    owner = getattr(function, "__self__", None)
    if isinstance(owner, type):
        return f"{owner.__module__}.{owner.__qualname__}.{function.__name__}"
    module = getattr(function, "__module__", None) or type(owner).__module__
    return f"{module}.{getattr(function, '__name__', '')}"


def _text_of(sql: Any, context: Any) -> str:
    """The text of a statement that psycopg gets in parts."""
    with suppress(Exception):
        return str(sql.as_string(context["connection"].connection))
    return str(sql)


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _has_rows(frame: FrameType) -> bool:
    """Whether the table has rows, whose new column gets the default."""
    editor, field = frame.f_locals.get("self"), frame.f_locals.get("field")
    model = getattr(field, "model", None)
    if editor is None or model is None:
        return True
    connection = editor.connection
    table = connection.ops.quote_name(model._meta.db_table)
    if model._meta.db_table not in connection.introspection.table_names():
        # The table may be in another schema.
        return True
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT 1 FROM {table} LIMIT 1")  # noqa: S608
        return cursor.fetchone() is not None
