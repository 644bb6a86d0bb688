"""The lines of an event log.

The first line says what the file is: `{"format": "ctest-containers-events", "version": 1}`. Every
other line is one event: `at`, the seconds since the run began, `type`, and the fields of the class
of that name in `ctest_containers.events`. What is added later keeps the version, for readers leave
out what they do not know; a field that goes, or means something else, makes a new one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, get_args

from ctest_containers.codec import Vocabulary
from ctest_containers.errors import UsageError
from ctest_containers.events import Event, StressProgressed, TimePassed, UsageRecorded

FORMAT: Final = "ctest-containers-events"
VERSION: Final = 1
HEADER: Final = json.dumps({"format": FORMAT, "version": VERSION}) + "\n"

UNLOGGED: Final = frozenset({TimePassed, StressProgressed, UsageRecorded})
"""The events that only a live display uses, and those about what tests use."""

EVENTS: Final = Vocabulary(kind for kind in get_args(Event) if kind not in UNLOGGED)
"""The events that a log consists of."""


class Entry(NamedTuple):
    """An event and its time, in seconds since the run began."""

    at: float
    event: Event


def line(event: Event, at: float) -> str:
    """An event as a line of a log; the text of a worker's event only gets its time."""
    came: str | None = getattr(event, "line", None)
    if came is not None:
        return f'{{"at":{at!r},{came[1:]}\n'
    return EVENTS.encode(event, at=at) + "\n"


def entries(lines: Iterable[str], name: str) -> Iterator[Entry]:
    """The events of a log, without a last line that is incomplete.

    Args:
        name: The name of the log in error messages.

    Raises:
        UsageError: It is no event log, or one of another version.
    """
    rest = iter(lines)
    _check_header(next(rest, ""), name)
    for number, text in enumerate(rest, start=2):
        try:
            content = json.loads(text)
            at = float(content.pop("at"))
            if content["type"] in EVENTS.kinds:
                yield Entry(at, EVENTS.build(content, lenient=True))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            if next(rest, None) is None:
                return
            raise UsageError(
                f"Line {number} of the event log {name} is not an event: {error}."
            ) from error


def _check_header(text: str, name: str) -> None:
    try:
        header = json.loads(text)
        version = header["version"] if header["format"] == FORMAT else None
    except (ValueError, KeyError, TypeError, RecursionError):
        version = None
    if version is None:
        raise UsageError(f"{name} is not an event log.")
    if version != VERSION:
        raise UsageError(
            f"The event log {name} has version {version}, but this program reads {VERSION}.",
            "Read it with the version of ctest_containers that wrote it.",
        )
