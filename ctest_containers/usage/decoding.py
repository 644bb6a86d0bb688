"""Reads the events about what tests use."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any, Final

from ctest_containers.events.usage import UsageRecorded
from ctest_containers.usage.messages import KINDS, MICROSECONDS, unpacked
from ctest_containers.usage.model import StatementUsage, Usage

KIND_OF: Final = {letter: kind for kind, letter in KINDS.items()}


class UsageDecoder:
    """Remembers the names that each worker's process has sent."""

    def __init__(self) -> None:
        self._texts: dict[int, list[str]] = {}

    def decode(self, event: UsageRecorded) -> Usage:
        """The usage of the event's unit. All events of a worker must be decoded, in their order.

        Raises:
            ValueError: Events of its worker are missing.
        """
        worker = event.worker
        if event.first == 0:
            # Another process has begun.
            self._texts[worker] = []
        texts = self._texts.setdefault(worker, [])
        if len(texts) != event.first:
            raise ValueError(f"events of worker {worker} are missing before {event.unit!r}")
        texts += event.names
        return usage_of(event, texts)


def usage_of(event: UsageRecorded, texts: Sequence[str]) -> Usage:
    """The usage of an event's unit.

    Args:
        texts: All names that its process has sent until then.
    """
    sets: dict[str, set[Any]] = {}
    for number in unpacked(event.used):
        kind, name = entry_of(texts[number])
        sets.setdefault(kind, set()).add(name)
    frozen: dict[str, Any] = {kind: frozenset(names) for kind, names in sets.items()}
    statements = tuple(_statement(texts, numbers) for numbers in event.statements)
    return Usage(**frozen, statements=statements)


@functools.cache
def entry_of(text: str) -> tuple[str, Any]:
    """The kind of a name that was sent, and the name."""
    kind, name = KIND_OF[text[0]], text[1:]
    if kind != "functions":
        return kind, name
    module, _, line = name.rpartition(" ")
    return kind, (module, int(line))


def _statement(texts: Sequence[str], numbers: tuple[int, ...]) -> StatementUsage:
    alias, text, count, microseconds, *places = numbers
    return StatementUsage(
        text=texts[text],
        alias=texts[alias],
        count=count,
        seconds=microseconds / MICROSECONDS,
        places={
            texts[place]: times for place, times in zip(places[::2], places[1::2], strict=True)
        },
    )
