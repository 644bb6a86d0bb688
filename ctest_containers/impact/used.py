"""The names that the units of a recording have used."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from ctest_containers.usage.model import CLASS, TEST, Usage

BY_NAME: Final = ("files", "folders", "matches", "paths", "variables", "settings", "templates")
"""The fields of `Usage` with names of inputs that are no definitions."""


def names_of(units: Mapping[str, Usage]) -> dict[str, set[Any]]:
    """All names that units have used, by kind."""
    kinds = ("definitions", "classes", "lookups", "models", "data", *BY_NAME)
    listing = getattr(units, "names", None)
    if listing is not None:
        return {kind: set(listing(kind)) for kind in kinds}
    names: dict[str, set[Any]] = {kind: set() for kind in kinds}
    for usage in units.values():
        for kind in kinds:
            names[kind] |= getattr(usage, kind)
    return names


def classes_of_tests(units: Iterable[str]) -> set[str]:
    """The full names of the classes of recorded tests."""
    return {
        name.removeprefix(TEST).rpartition(".")[0]
        for name in units
        # Tests of pytest have used their class.
        if name.startswith(TEST) and "::" not in name
    } | {name.removeprefix(CLASS) for name in units if name.startswith(CLASS)}
