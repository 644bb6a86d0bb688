"""Chooses the stored template that today's code would build."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from ctest_containers.recording.manifest import Manifest, differences
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.stored import StoredTemplate, age
from ctest_containers.text import listing

UNREADABLE: Final = "the list of what its build used, which cannot be read"


@dataclass(frozen=True, slots=True)
class Choice:
    """The stored template to use, or why there is none.

    Attributes:
        template: The template; without a manifest if no stored template matches.
        changes: What has changed since the most similar template with this key was built, by name.
    """

    template: ProjectTemplate
    changes: tuple[str, ...] = ()


def choose(
    template: ProjectTemplate,
    templates: Iterable[StoredTemplate],
    paths: PortablePaths,
    *,
    max_age_seconds: float,
) -> Choice:
    """Choose the most recently used template whose build would use the same things today.

    Args:
        template: The template that is needed; its manifest is ignored.
        templates: The templates of the project.
        max_age_seconds: The maximum age of values that a build got from clocks and random numbers;
            0 for no limit.
    """
    missing = replace(template, manifest="", facts={})
    fewest: list[str] | None = None
    for stored in sorted(templates, key=lambda stored: -stored.used):
        if stored.is_layer or (stored.group, stored.key) != (template.group.label, template.key):
            continue
        manifest = Manifest.from_json(stored.manifest)
        names = changes(stored, paths, max_age_seconds=max_age_seconds)
        if manifest is not None and manifest.users:
            names += _other_users(manifest.users, template.group.users)
        if not names:
            assert manifest is not None
            resolved = missing.made_with(manifest)
            if resolved.fingerprint == stored.fingerprint:
                return Choice(resolved)
            names = [UNREADABLE]
        if fewest is None or len(names) < len(fewest):
            fewest = names
    return Choice(missing, tuple(fewest or ()))


def _other_users(earlier: Mapping[str, str], today: Mapping[str, str]) -> list[str]:
    """Describe the aliases that connect as a different role than when a template was built."""
    return [
        f"USER of {alias!r} ({earlier.get(alias)!r}, now {user!r})"
        for alias, user in today.items()
        if earlier.get(alias) != user
    ]


def changes(stored: StoredTemplate, paths: PortablePaths, *, max_age_seconds: float) -> list[str]:
    """Return the names of what has changed since a template was built.

    Args:
        max_age_seconds: See `choose`.
    """
    manifest = Manifest.from_json(stored.manifest)
    if manifest is None:
        return [UNREADABLE]
    names = differences(manifest, paths)
    if manifest.clocks and max_age_seconds and not names:
        moment = min(manifest.clocks.values())
        if time.time() - moment > max_age_seconds:
            names.append(f"the time ({listing([*manifest.clocks])}, {age(moment)} ago)")
    return names
