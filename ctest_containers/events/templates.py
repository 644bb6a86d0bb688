"""Events of templates."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateFound:
    """The template of a group of databases exists, so nothing is migrated."""

    group: str
    aliases: tuple[str, ...]
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateDated:
    """A test has failed on a template whose build used a clock or random numbers.

    Attributes:
        clocks: What the build used.
        seconds: How long ago it was built.
    """

    group: str
    fingerprint: str
    clocks: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateAwaited:
    """Another run is building the same template, and this run waits for it."""

    group: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuildStarted:
    """A template does not exist yet, and its build has started.

    Attributes:
        incremental: Whether the build only adds migrations to an earlier template.
        reason: What has changed since the most similar earlier template.
    """

    group: str
    aliases: tuple[str, ...]
    fingerprint: str
    incremental: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuildSlowed:
    """A template is migrated like in Django, which takes longer.

    Attributes:
        reason: Why, as the end of a sentence.
    """

    group: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationsProgressed:
    """A long build of a template has reached another migration.

    Attributes:
        database: The alias of the database that is migrated.
        migration: The name of the migration, such as `shop.0007_x`.
        number: Its number among those that this build applies, counted from 1.
        total: How many migrations this build applies.
        seconds_left: How long the rest took in an earlier build; None if unknown.
    """

    group: str
    database: str
    migration: str
    number: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateBuilt:
    """A template was built and stored.

    Attributes:
        incremental: Whether the build only added migrations to an earlier template.
    """

    group: str
    fingerprint: str
    seconds: float
    incremental: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateRefused:
    """A template does not match its own description, so it is no longer used.

    Attributes:
        problems: What does not match.
    """

    group: str
    fingerprint: str
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateTransfer:
    """A template was transferred from or to a registry.

    Attributes:
        layers: The number of its layers that were transferred.
        present: The number of its layers that the destination already had.
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
    """A request to a registry failed; the run goes on without the registry."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplatesPruned:
    """Templates were removed because they had not been used for long, or were too many.

    Attributes:
        templates: The name of each, and why it was removed.
    """

    templates: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImageBuildStarted:
    """The base image of templates is not on the engine yet, and is built."""

    image: str
