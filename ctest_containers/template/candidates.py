"""Which of the templates that exist is the one that today's code would build."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ctest_containers.recording.manifest import Manifest, differences
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.template.identity import Template
from ctest_containers.template.stored import StoredTemplate, age
from ctest_containers.text import listing

UNREADABLE: Final = "the list of what its build used, which cannot be read"


@dataclass(frozen=True, slots=True)
class Choice:
    """What was found among the templates that exist.

    Attributes:
        template: The template; without a manifest where none is right today.
        changes: What is another today than for the template with this key that differs least.
    """

    template: Template
    changes: tuple[str, ...] = ()


def choose(
    template: Template,
    kept: Iterable[StoredTemplate],
    places: PortablePaths,
    *,
    most_seconds: float,
) -> Choice:
    """The template whose build used what there is today; the one used last goes first.

    Args:
        template: The wanted one; its manifest is not looked at.
        kept: Those of the project.
        most_seconds: How old what a build got from clocks and random numbers may be; 0 for no
            limit.
    """
    wanted = replace(template, manifest="", facts={})
    nearest: list[str] | None = None
    for one in sorted(kept, key=lambda one: -one.used):
        if one.is_layer or (one.group, one.key) != (template.group.label, template.key):
            continue
        manifest = Manifest.from_json(one.manifest)
        found = changes(one, places, most_seconds=most_seconds)
        if manifest is not None and manifest.users:
            found += _other_users(manifest.users, template.group.users)
        if not found:
            assert manifest is not None
            resolved = wanted.made_with(manifest)
            if resolved.fingerprint == one.fingerprint:
                return Choice(resolved)
            found = [UNREADABLE]
        if nearest is None or len(found) < len(nearest):
            nearest = found
    return Choice(wanted, tuple(nearest or ()))


def _other_users(earlier: Mapping[str, str], today: Mapping[str, str]) -> list[str]:
    """The aliases that connect as a different role than when a template was built."""
    return [
        f"USER of {alias!r} ({earlier.get(alias)!r}, now {user!r})"
        for alias, user in today.items()
        if earlier.get(alias) != user
    ]


def changes(kept: StoredTemplate, places: PortablePaths, *, most_seconds: float) -> list[str]:
    """What is another today than when a template was built, by name.

    Args:
        most_seconds: See `choose`.
    """
    manifest = Manifest.from_json(kept.manifest)
    if manifest is None:
        return [UNREADABLE]
    found = differences(manifest, places)
    if manifest.clocks and most_seconds and not found:
        moment = min(manifest.clocks.values())
        if time.time() - moment > most_seconds:
            found.append(f"the time ({listing([*manifest.clocks])}, {age(moment)} ago)")
    return found
