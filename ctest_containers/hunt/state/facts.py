"""What a snapshot consists of, and how two snapshots differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from ctest_containers.hunt.state.values import Identity, place_of

PATCHES: Final = "patches"
"""The kind of functions and classes of packages; such a key is only missing if one was replaced."""


class Key(NamedTuple):
    """What a fact is about.

    Attributes:
        kind: The kind of state, such as `settings`.
        name: The name that a developer has for it: `django.conf.settings.DEBUG`.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Fact:
    """The value of something at the time of a snapshot.

    Attributes:
        token: Equal to the token of another snapshot if and only if nothing has changed.
        text: The value as people read it; empty if only its existence says something.
        place: Where it is defined, as `file:line`; empty if unknown, or if it is derived from the
            function that the token identifies.
        is_lazy: Whether harmless tests add and remove such things, so that only changes count.
    """

    token: Any
    text: str = ""
    place: str = ""
    is_lazy: bool = False


Snapshot = Mapping[Key, Fact]


@dataclass(frozen=True, slots=True)
class Change:
    """A difference between two snapshots.

    Attributes:
        text: What has changed, as people read it.
        tests: The tests that changed it, or the fixtures that did.
    """

    kind: str
    name: str
    text: str
    tests: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}{'' if self.text.startswith('was ') else ':'} {self.text}"


def changes(before: Snapshot, after: Snapshot, folder: Path) -> Iterator[Change]:
    """Yield how one snapshot differs from an earlier one.

    Args:
        folder: Where the command was started; files are named relative to it.
    """
    for key, fact in after.items():
        earlier = before.get(key)
        if earlier is None:
            if not fact.is_lazy:
                place = _place(fact, folder)
                yield Change(*key, _with_details("was added", fact.text, place))
        elif earlier.token != fact.token:
            yield Change(*key, _changed(earlier, fact, folder))
    for key, fact in before.items():
        if key not in after and key.kind == PATCHES:
            yield Change(*key, "was replaced")
        elif key not in after and not fact.is_lazy:
            yield Change(*key, _with_details("was removed", fact.text, _place(fact, folder)))


def _changed(before: Fact, after: Fact, folder: Path) -> str:
    if isinstance(after.token, Identity):
        text = after.text if after.text != before.text else ""
        return _with_details("was replaced", text, _place(after, folder))
    if before.text == after.text:
        return _with_details("was changed", after.text, "")
    return f"{before.text} -> {after.text}"


def _place(fact: Fact, folder: Path) -> str:
    """Return where something is defined; found only now, because few facts are shown."""
    if fact.place or not isinstance(fact.token, Identity):
        return fact.place
    return place_of(fact.token.value, folder)


def _with_details(what: str, text: str, place: str) -> str:
    details = ", ".join(filter(None, [text, place]))
    return f"{what} ({details})" if details else what
