"""The words for what happens to templates, and how much they matter."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ctest_containers.events import (
    MigrationsProgressed,
    TemplateAwaited,
    TemplateBuildSlowed,
    TemplateBuildStarted,
    TemplateBuilt,
    TemplateDated,
    TemplateFound,
    TemplatePulled,
    TemplatePushed,
    TemplateRefused,
    TemplatesPruned,
    TemplateTransfer,
)
from ctest_containers.text import duration, listing, plural, span

TemplateEvent = (
    TemplateFound
    | TemplateDated
    | TemplateAwaited
    | TemplateBuildStarted
    | TemplateBuildSlowed
    | MigrationsProgressed
    | TemplateBuilt
    | TemplateRefused
    | TemplatePulled
    | TemplatePushed
    | TemplatesPruned
)
"""The events that this module has words for."""


def lines_on_templates(event: TemplateEvent) -> Iterator[tuple[int, str]]:
    """Sentences, each with its `logging` level."""
    match event:
        case TemplateFound(group=group, fingerprint=fingerprint):
            yield logging.INFO, f"Using the template {group}:{fingerprint[:12]}."
        case TemplateDated(group=group, fingerprint=fingerprint, seconds=seconds):
            yield (
                logging.WARNING,
                (
                    f"The template {group}:{fingerprint[:12]} contains values that "
                    f"{listing(event.clocks)} returned {span(seconds)} ago. If a test failed "
                    "because of them, use --rebuild."
                ),
            )
        case TemplateAwaited(group=group, fingerprint=fingerprint):
            yield (
                logging.INFO,
                (
                    "Waiting for another run that is building the template "
                    f"{group}:{fingerprint[:12]}…"
                ),
            )
        case TemplateBuildStarted(group=group, fingerprint=fingerprint):
            names = ", ".join(repr(alias) for alias in event.aliases)
            way = "incrementally" if event.incremental else "from scratch"
            yield (
                logging.INFO,
                (
                    f"Building the template {group}:{fingerprint[:12]} for {names}, {way} "
                    f"({event.reason})…"
                ),
            )
        case TemplateBuildSlowed(reason=reason):
            yield (
                logging.INFO,
                f"Migrating in Django's own way, which takes longer: {reason.rstrip('.')}.",
            )
        case MigrationsProgressed(database=database, seconds_left=left):
            rest = "" if left is None else f", about {duration(left)} left"
            place = f"{event.number} of {event.total}"
            yield (
                logging.INFO,
                f"Migrating {database!r}: {place}, {event.migration}{rest}…",
            )
        case TemplateBuilt(group=group, fingerprint=fingerprint, seconds=seconds):
            yield (
                logging.INFO,
                f"Built the template {group}:{fingerprint[:12]} in {duration(seconds)}.",
            )
        case TemplateRefused(group=group, fingerprint=fingerprint):
            yield (
                logging.WARNING,
                (
                    f"The template {group}:{fingerprint[:12]} is not used: "
                    f"{' '.join(event.problems)}"
                ),
            )
        case TemplatePulled():
            yield logging.INFO, _transfer(event, "Pulled", "from", "here")
        case TemplatePushed():
            yield logging.INFO, _transfer(event, "Pushed", "to", "there")
        case TemplatesPruned(templates=templates):
            for name, reason in templates:
                yield logging.DEBUG, f"Removed the template {name}: {reason}."


def _transfer(event: TemplateTransfer, verb: str, preposition: str, place: str) -> str:
    layers = f"{plural(event.layers, 'layer')} transferred"
    return (
        f"{verb} the template {event.group}:{event.fingerprint[:12]} {preposition} "
        f"{event.registry} in {duration(event.seconds)} ({layers}, {event.present} already "
        f"{place})."
    )
