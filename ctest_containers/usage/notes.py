"""What is noted while a unit runs."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any


@dataclass(slots=True)
class Sent:
    """How often a statement was sent, and how long that took.

    Attributes:
        places: How often each line of the project sent it.
    """

    count: int = 0
    seconds: float = 0.0
    places: dict[str, int] = field(default_factory=dict)

    def add(self, other: Sent) -> None:
        """Add what was sent elsewhere."""
        self.count += other.count
        self.seconds += other.seconds
        for place, count in other.places.items():
            self.places[place] = self.places.get(place, 0) + count


@dataclass(slots=True)
class Notes:
    """See `Usage` for the meaning of most attributes.

    Attributes:
        frame: The function whose run this is about; None for a test or a fixture.
        codes: The code of functions that have run, by identity.
        files: Paths, as are `folders`, `matches` and `paths`; they get their names later.
        models: Pairs of the arguments of `get_model`; `("*", "")` for all models.
        views: What URLs were resolved to.
        statements: By alias and text.
        has_left: Whether the function has ended, while one in another thread that began later has
            not.
    """

    unit: str
    frame: FrameType | None = None
    codes: dict[int, CodeType] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    folders: set[str] = field(default_factory=set)
    matches: set[tuple[str, str]] = field(default_factory=set)
    paths: set[str] = field(default_factory=set)
    variables: set[str] = field(default_factory=set)
    settings: set[str] = field(default_factory=set)
    templates: set[str] = field(default_factory=set)
    lookups: set[str] = field(default_factory=set)
    models: set[tuple[str, str]] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    opaque: set[str] = field(default_factory=set)
    fixtures: set[str] = field(default_factory=set)
    statements: dict[tuple[str, str], Sent] = field(default_factory=dict)
    has_left: bool = False

    def _kinds(self) -> tuple[set[Any] | dict[Any, Any], ...]:
        return (
            *(self.codes, self.files, self.folders, self.matches, self.paths, self.variables),
            *(self.settings, self.templates, self.lookups, self.models, self.classes),
            *(self.opaque, self.fixtures, self.statements),
        )

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been noted."""
        return not any(self._kinds())

    def clear(self) -> None:
        """Forget everything."""
        for kind in self._kinds():
            kind.clear()

    def add(self, other: Notes) -> None:
        """Add what was noted while a unit inside this one ran."""
        self.codes |= other.codes
        self.files |= other.files
        self.folders |= other.folders
        self.matches |= other.matches
        self.paths |= other.paths
        self.variables |= other.variables
        self.settings |= other.settings
        self.templates |= other.templates
        self.lookups |= other.lookups
        self.models |= other.models
        self.classes |= other.classes
        self.opaque |= other.opaque
        self.fixtures |= other.fixtures
        for key, sent in other.statements.items():
            self.statements.setdefault(key, Sent()).add(sent)
