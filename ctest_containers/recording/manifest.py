"""What a build has used, by name and digest, and what of it is another today."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ctest_containers.fingerprint.values import describe, is_plain, state_of
from ctest_containers.recording.module import Module
from ctest_containers.recording.places import Places
from ctest_containers.recording.sources import Sources
from ctest_containers.recording.used import Used

DIGEST_LENGTH: Final = 16
"""So many hexadecimal digits of a digest are kept."""

MISSING: Final = "missing"
"""In place of the digest of what does not exist."""

CHANGED: Final = "changed "
"""How what stands in place of the digest begins for what changed while the template was built.

Nobody knows which of its contents the build has read, so no two such builds are the same.
"""

UNKNOWN: Final = ""
"""In place of the digest of what cannot be compared, such as names in a module not yet loaded."""

ABSENT: Final = object()
"""In place of a value that does not exist."""

STATE: Final = "state "
"""How the digest of a value begins that does not say all of it, so that its text counts as well."""

LITTER: Final = ("~", ".pyc", ".pyo", ".orig", ".rej", ".swp", "__pycache__", ".DS_Store")
"""Ends of names that editors and tools leave in folders."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a build has used, with digests; no value of anything is kept.

    Attributes:
        modules: By a module's name the digest of its text, which is looked at first.
        definitions: By a module's name the digests of the texts of its definitions.
        values: By the name of a module, a dot and a name in it the digest of its value.
        others: The digests of all else, by kind and name.
    """

    modules: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def to_json(self) -> str:
        """As text, the same for the same manifest."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Manifest | None:
        """What `to_json` gave; None where it cannot be read."""
        with suppress(ValueError, TypeError):
            found = cls(**json.loads(text))
            if all(isinstance(one, dict) for one in asdict(found).values()):
                return found
        return None

    def entries(self) -> Iterator[tuple[str, str]]:
        """The names of all that a build has used, each with its digest."""
        for module, names in self.definitions.items():
            for name, digest in names.items():
                whole = f"{module}.{name}".rstrip(".")
                yield whole, self.values.get(whole, digest)
        for kind, digests in self.others.items():
            for name, digest in digests.items():
                yield WORDS.get(kind, f"{kind} ") + name, digest

    @property
    def digest(self) -> str:
        """What tells it from others."""
        return _digest(self.to_json())

    def used(self) -> Used:
        """The names in it."""
        return Used(
            definitions=frozenset(
                (module, name) for module, names in self.definitions.items() for name in names
            ),
            **{kind: frozenset(names) for kind, names in self.others.items()},
        )


def make_manifest(used: Used, places: Places, *, since: float | None = None) -> Manifest:
    """The manifest of today for what a build has used.

    Args:
        since: When the build began, in seconds since the epoch: of what has changed since, nobody
            knows what the build has read.
    """
    used = used.summarized()
    sources = Sources()
    modules: dict[str, str] = {}
    definitions: dict[str, dict[str, str]] = {}
    values: dict[str, str] = {}
    for name, part in sorted(used.definitions):
        module = sources.find(name)
        if name not in modules:
            fresh = module is not None and since is not None and _is_newer(module.file, since)
            whole = MISSING if module is None else _digest(module.text)
            modules[name] = _changed() if fresh else whole
        changed = modules[name].startswith(CHANGED)
        digest_today = modules[name] if changed else _digest_of(module, part)
        definitions.setdefault(name, {})[part] = digest_today
        if (value := _value(name, part, places)) is not None:
            values[f"{name}.{part}"] = value
    look = _Look(places, since)
    others = {
        kind: {name: digest(name) for name in sorted(getattr(used, kind))}
        for kind, digest in look.kinds().items()
    }
    # Most names stand for values, which are definitions.
    others["names"] = {name: one for name, one in others["names"].items() if one != UNKNOWN}
    return Manifest(
        modules, definitions, values, {kind: one for kind, one in others.items() if one}
    )


def differences(manifest: Manifest, places: Places) -> list[str]:
    """What is another today than in a manifest, by name; empty if all is the same."""
    sources = Sources()
    found: list[str] = []
    for name, names in manifest.definitions.items():
        module = sources.find(name)
        is_same = module is not None and _digest(module.text) == manifest.modules.get(name)
        for part, digest in names.items():
            whole = f"{name}.{part}".rstrip(".")
            kept = manifest.values.get(whole)
            value = None if kept is None else _value(name, part, places)
            if value is not None and (value != kept or not value.startswith(STATE)):
                differs = value != kept
            elif is_same:
                differs = False
            else:
                differs = _digest_of(module, part) != digest
            if differs:
                found.append(whole)
    look = _Look(places, None).kinds()
    for kind, digests in manifest.others.items():
        for name, digest in digests.items():
            today = look[kind](name) if kind in look else MISSING
            if today != digest and UNKNOWN not in {today, digest}:
                found.append(WORDS.get(kind, f"{kind} ") + name)
    return [*dict.fromkeys(found)]


WORDS: Final = {
    "names": "",
    "families": "the subclasses of ",
    "files": "",
    "folders": "the files in ",
    "paths": "",
    "variables": "environment variable ",
    "settings": "setting ",
    "programs": "program ",
    "trees": "the files and their contents in ",
}
"""What stands before the name of something that differs."""


class _Look:
    """Digests of what there is today."""

    def __init__(self, places: Places, since: float | None) -> None:
        self._places = places
        self._since = since

    def kinds(self) -> dict[str, Callable[[str], str]]:
        """What gives the digest of a name, for each kind."""
        return {
            "names": self._bound,
            "families": self._family,
            "files": self._file,
            "folders": self._folder,
            "paths": self._path,
            "variables": self._variable,
            "settings": self._setting,
            "programs": lambda _: UNKNOWN,
            "trees": self._tree,
        }

    def _existing(self, name: str) -> Path | None:
        return next((Path(one) for one in self._places.paths_of(name) if os.path.exists(one)), None)  # noqa: PTH110

    def _file(self, name: str) -> str:
        file = self._existing(name)
        with suppress(OSError):
            if file is not None:
                if self._since is not None and _is_newer(file, self._since):
                    return _changed()
                return _digest(file.read_bytes())
        return MISSING

    def _folder(self, name: str) -> str:
        folder = self._existing(name)
        with suppress(OSError):
            if folder is not None:
                names = [one.name for one in folder.iterdir()]
                kept = [one for one in sorted(names) if not one.endswith(LITTER)]
                return _digest("\0".join(kept))
        return MISSING

    def _tree(self, name: str) -> str:
        folder = self._existing(name)
        with suppress(OSError):
            if folder is not None:
                files = sorted(one for one in folder.iterdir() if one.is_file())
                kept = [one for one in files if not one.name.endswith(LITTER)]
                if self._since is not None and any(_is_newer(one, self._since) for one in kept):
                    return _changed()
                return _digest("".join(f"{one.name} {_digest(one.read_bytes())}\n" for one in kept))
        return MISSING

    def _path(self, name: str) -> str:
        found = self._existing(name)
        return MISSING if found is None else "folder" if found.is_dir() else "file"

    @staticmethod
    def _bound(name: str) -> str:
        """Which function, class or module has a name in another module."""
        value = _loaded(name)
        if isinstance(value, ModuleType):
            return _digest(value.__name__)
        named = isinstance(getattr(value, "__qualname__", None), str)
        return _digest(describe(value)) if named else UNKNOWN

    def _family(self, name: str) -> str:
        """What the subclasses of a class are."""
        found, waiting = set[type](), [_loaded(name)]
        while waiting:
            kind = waiting.pop()
            if isinstance(kind, type) and kind not in found:
                found.add(kind)
                waiting += type.__subclasses__(kind)
        return _digest(self._places.portable(describe(state_of(found)))) if found else UNKNOWN

    @staticmethod
    def _variable(name: str) -> str:
        value = os.environ.get(name)
        return MISSING if value is None else _digest(f"{name}={value}")

    def _setting(self, name: str) -> str:
        from django.conf import settings

        if not hasattr(settings, name):
            return MISSING
        return _digest(self._places.portable(describe(state_of(getattr(settings, name)))))


def _digest_of(module: Module | None, part: str) -> str:
    """The digest of the text of a definition."""
    text = None if module is None else module.text_of(part)
    return MISSING if text is None else _digest(text)


def _value(module: str, name: str, places: Places) -> str | None:
    """The digest of a value that is loaded; None where it is none, or its text says all of it."""
    whole = f"{module}.{name}"
    value = _loaded(whole)
    if value is ABSENT or isinstance(value, ModuleType):
        return None
    if is_plain(value):
        return _digest(places.portable(describe(value)))
    state = state_of(value)
    if state in (whole, [whole, {}]):
        return None
    return STATE + _digest(places.portable(describe(state)))


def _loaded(whole: str) -> Any:
    """What has this name, with dots, in a module that is loaded; ABSENT where nothing has it."""
    parts = whole.split(".")
    for count in range(len(parts) - 1, 0, -1):
        value: Any = sys.modules.get(".".join(parts[:count]))
        if value is None:
            continue
        for part in parts[count:]:
            value = getattr(value, "__dict__", {}).get(part, ABSENT)
        return value.__func__ if isinstance(value, (staticmethod, classmethod)) else value
    return ABSENT


def _changed() -> str:
    return f"{CHANGED}{secrets.token_hex(4)}"


def _is_newer(file: Path, since: float) -> bool:
    with suppress(OSError):
        return file.stat().st_mtime >= since
    return False


def _digest(content: bytes | str) -> str:
    data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
    return hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()[:DIGEST_LENGTH]
