"""Compares today's inputs with those of earlier templates."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ctest_containers.fingerprint import Input
from ctest_containers.template.stored import StoredTemplate
from ctest_containers.text import listing

MIGRATION: Final = "migration "
PERMISSIONS: Final = "permissions "
ADDABLE: Final = re.compile(r"migration \w+\.\w+|permissions .*")
"""Inputs that a build can add: modules of migrations, and what `post_migrate` adds for models."""

DIGEST_LENGTH: Final = 16
"""How many characters of an input's digest a template stores."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How today's inputs differ from those of an earlier template."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    edited: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many inputs differ."""
        return len(self.added) + len(self.removed) + len(self.edited)

    @property
    def is_addition(self) -> bool:
        """Whether migrations have been added, and nothing else has changed."""
        if self.removed or self.edited:
            return False
        added = any(name.startswith(MIGRATION) for name in self.added)
        return added and all(map(ADDABLE.fullmatch, self.added))

    def __str__(self) -> str:
        """Describe it: `2 new migrations: shop.0121, billing.0014`; `edited: shop.0007`."""
        new = [name for name in self.added if name.startswith(MIGRATION)]
        others = [name for name in self.added if name not in new and not self.is_addition]
        parts = []
        if new:
            parts.append(f"{len(new)} new migration{'s' if len(new) > 1 else ''}: {_names(new)}")
        for word, names in (
            ("edited", [name for name in self.edited if name.startswith(MIGRATION)]),
            ("changed", [name for name in self.edited if not name.startswith(MIGRATION)]),
            ("removed", self.removed),
            ("added", others),
        ):
            if names:
                parts.append(f"{word}: {_names(names)}")
        return "; ".join(parts)


def digests(inputs: Iterable[Input]) -> dict[str, str]:
    """Return the digests of inputs by name, as a template stores them."""
    return {input_.name: input_.digest[:DIGEST_LENGTH] for input_ in inputs}


def compare(earlier: Mapping[str, str], today: Mapping[str, str]) -> Difference:
    """Compare today's inputs with earlier ones; names are in today's order."""
    return Difference(
        added=tuple(name for name in today if name not in earlier),
        removed=tuple(name for name in earlier if name not in today),
        edited=tuple(name for name in today if earlier.get(name, today[name]) != today[name]),
    )


def find_nearest(
    today: Iterable[Input], earlier: Iterable[StoredTemplate]
) -> tuple[StoredTemplate, Difference] | None:
    """Return the earlier template that differs least; preferably one that only lacks migrations."""
    todays = digests(today)
    compared = [(stored, compare(stored.inputs, todays)) for stored in earlier]
    return min(
        compared,
        key=lambda pair: (not pair[1].is_addition, pair[1].size, -pair[0].created),
        default=None,
    )


def _names(names: Sequence[str]) -> str:
    return listing([name.removeprefix(MIGRATION) for name in names])
