"""What happens to templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFound:
    """The template of these databases exists; nothing is migrated."""

    group: str
    aliases: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDated:
    """A test has failed on a template whose build asked for a clock or random numbers.

    Attributes:
        clocks: What it asked for.
        seconds: How long ago.
    """

    group: str
    fingerprint: str
    clocks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateAwaited:
    """Another run builds the same template; this one waits for it."""

    group: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuildStarted:
    """There is no such template yet: it is migrated now.

    Attributes:
        incremental: Whether migrations are added to an earlier template.
        reason: What has changed since the nearest earlier template.
    """

    group: str
    aliases: tuple[str, ...]
    fingerprint: str
    incremental: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuildSlowed:
    """A template is migrated in Django's own way, which takes longer.

    Attributes:
        reason: Why, as the end of a sentence.
    """

    group: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsProgressed:
    """A template that takes long to build has come to another migration.

    Attributes:
        database: The alias of the database that is migrated.
        migration: Such as `shop.0007_x`.
        number: Its place among those that the database is to have now, from 1.
        total: How many these are.
        seconds_left: How long the rest took in an earlier build; None if that is not known.
    """

    group: str
    database: str
    migration: str
    number: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuilt:
    """A template was migrated and stored."""

    group: str
    fingerprint: str
    seconds: float
    incremental: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRefused:
    """A template is not what it says of itself; it is not used, and not found any more."""

    group: str
    fingerprint: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTransfer:
    """A template went from or to a registry.

    Attributes:
        layers: The number of its layers that were transferred.
        present: The number of those that were at the destination already.
    """

    group: str
    fingerprint: str
    registry: str
    layers: int
    present: int
    seconds: float


class TemplatePulled(TemplateTransfer):
    """A template was pulled from a registry."""

    __slots__ = ()


class TemplatePushed(TemplateTransfer):
    """A template was pushed to a registry."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryFailed:
    """A registry did not do its part; the run goes on without it."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesPruned:
    """Templates that were not used for long, or were too many, have been removed.

    Attributes:
        templates: The name of each, and why it was given up.
    """

    templates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImageBuildStarted:
    """The image that templates start from is not on the engine yet."""

    image: str
