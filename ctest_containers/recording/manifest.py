"""Lists the inputs that a build has used, and finds those that are different today."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from ctest_containers.recording.clocks import varies
from ctest_containers.recording.digests import (
    CHANGED,
    MISSING,
    STATE,
    TEXT,
    UNKNOWN,
    Today,
    digest_of,
    is_newer,
    text_digest,
    unlike_any,
    value_digest,
)
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.sources import Definition, Sources
from ctest_containers.recording.used import Used


@dataclass(frozen=True, slots=True)
class Manifest:
    """The inputs that a build has used, by name and digest, without their values.

    Attributes:
        modules: The digests of the sources of modules, by name; compared first.
        definitions: The digests of the sources of definitions, by module and name.
        values: The digests of values, by their dotted names.
        others: The digests of all other inputs, by kind and name.
        users: The role that each alias connected as; empty if that makes no difference.
        facts: What each alias's connection remembered about the server, as `facts_of` returns it.
    """

    modules: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    users: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """The manifest as JSON; equal manifests have equal texts."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Manifest | None:
        """The manifest from the result of `to_json`; None if it is invalid."""
        with suppress(ValueError, TypeError, AttributeError):
            manifest = cls(**json.loads(text))
            if all(isinstance(kind, dict) for kind in asdict(manifest).values()):
                # Invalid times raise ValueError here, not later.
                _ = manifest.clocks
                return manifest
        return None

    def entries(self) -> Iterator[tuple[str, str]]:
        """The names of all inputs, each with its digest."""
        for module, names in self.definitions.items():
            for name, digest in names.items():
                whole = f"{module}.{name}".rstrip(".")
                yield whole, self.values.get(whole, digest)
        for kind, digests in self.others.items():
            for name, digest in digests.items():
                yield WORDS.get(kind, f"{kind} ") + name, digest

    @property
    def clocks(self) -> Mapping[str, float]:
        """Clocks and random numbers, and when they were used, in seconds since the epoch."""
        return {name: float(moment) for name, moment in self.others.get("clocks", {}).items()}

    @property
    def digest(self) -> str:
        """Distinguishes it from other manifests."""
        return digest_of(replace(self, facts={}).to_json())

    def after(self, earlier: Manifest) -> Manifest:
        """The manifest of a build that resumed from an earlier one.

        What that has used is as it was then: it may have changed meanwhile.
        """
        parts = self.definitions.keys() | earlier.definitions.keys()
        kinds = self.others.keys() | earlier.others.keys()
        return Manifest(
            modules={**self.modules, **earlier.modules},
            definitions={
                part: {**self.definitions.get(part, {}), **earlier.definitions.get(part, {})}
                for part in parts
            },
            values={**self.values, **earlier.values},
            others={
                kind: {**self.others.get(kind, {}), **earlier.others.get(kind, {})}
                for kind in kinds
            },
            facts={**earlier.facts, **self.facts},
        )

    def used(self) -> Used:
        """The names of its inputs."""
        return Used(
            definitions=frozenset(
                (module, name) for module, names in self.definitions.items() for name in names
            ),
            **{kind: frozenset(names) for kind, names in self.others.items()},
        )


def make_manifest(used: Used, paths: PortablePaths, *, since: float | None = None) -> Manifest:
    """Make the manifest of what a build has used, with today's digests.

    Args:
        since: When the build began, in seconds since the epoch; files changed later count as
            changed.
    """
    used = used.summarized()
    sources = Sources()
    modules: dict[str, str] = {}
    definitions: dict[str, dict[str, str]] = {}
    values: dict[str, str] = {}
    for name, part in sorted(used.definitions):
        module = sources.find(name)
        if name not in modules:
            fresh = module is not None and since is not None and is_newer(module.file, since)
            whole = MISSING if module is None else digest_of(module.text)
            modules[name] = unlike_any() if fresh else whole
        has_changed = modules[name].startswith(CHANGED)
        today = modules[name] if has_changed else text_digest(module, part)
        definitions.setdefault(name, {})[part] = today
        # A value that differs in each process says less than its source.
        if not any(map(varies, sources.calls((name, part)))):
            value = value_digest(name, part, paths)
            if value is not None:
                values[f"{name}.{part}"] = value
    look = Today(paths, since)
    others = {
        kind: {name: digest_today(name) for name in sorted(getattr(used, kind))}
        for kind, digest_today in look.kinds().items()
    }
    # Most names stand for values, which are definitions.
    others["names"] = {
        name: digest for name, digest in others["names"].items() if digest != UNKNOWN
    }
    return Manifest(
        modules, definitions, values, {kind: digests for kind, digests in others.items() if digests}
    )


def differences(manifest: Manifest, paths: PortablePaths) -> list[str]:
    """The names of inputs that differ from a manifest today; empty if none does."""
    sources = Sources()
    changed: list[str] = []
    for name, names in manifest.definitions.items():
        module = sources.find(name)
        is_same = module is not None and digest_of(module.text) == manifest.modules.get(name)
        for part, text in names.items():
            whole = f"{name}.{part}".rstrip(".")
            before = manifest.values.get(whole)
            value = None if before is None else value_digest(name, part, paths)
            if before != value and (before, value) != (TEXT, None):
                differs = True
            elif is_same or (value is not None and not value.startswith((STATE, TEXT))):
                differs = False
            else:
                differs = text_digest(module, part) != text
            if differs:
                changed.append(whole)
    look = Today(paths, None).kinds()
    for kind, digests in manifest.others.items():
        for name, before in digests.items():
            today = look[kind](name) if kind in look else MISSING
            if today != before and UNKNOWN not in {today, before}:
                changed.append(WORDS.get(kind, f"{kind} ") + name)
    return [*dict.fromkeys(changed)]


def state_digests(
    definitions: Iterable[Definition], paths: PortablePaths, sources: Sources
) -> dict[str, str]:
    """The digests of values in this process, by names that `definition_of` parses.

    Values that their source determines, and those that differ in each process, are left out.
    """
    digests: dict[str, str] = {}
    for module, part in definitions:
        if part and not any(map(varies, sources.calls((module, part)))):
            value = value_digest(module, part, paths)
            if value not in {None, TEXT}:
                digests[f"{module}:{part}"] = str(value)
    return digests


def definition_of(name: str) -> Definition:
    """The definition with this name in the result of `state_digests`."""
    module, _, part = name.partition(":")
    return module, part


WORDS: Final = {
    "names": "",
    "families": "the subclasses of ",
    "files": "",
    "folders": "the files in ",
    "matches": "the files like ",
    "paths": "",
    "variables": "environment variable ",
    "settings": "setting ",
    "programs": "program ",
    "clocks": "as it was then: ",
    "trees": "the files and their contents in ",
}
"""The words before the name of an input that differs, by kind."""
