"""The stored templates and layers, and which of them to prune."""

from __future__ import annotations

import json
import secrets
import shutil
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.backends import VENDORS, vendor_named
from ctest_containers.engine import labels
from ctest_containers.engine.values import ImageFacts
from ctest_containers.model import SQLITE, Vendor
from ctest_containers.storage import KEPT_BYTES, KEPT_COUNT, KEPT_DAYS, KEPT_LAYERS
from ctest_containers.text import DAY_SECONDS, plural, size, slug, span

IN_USE_SECONDS: Final = 3600.0
"""A template used so recently is not pruned automatically: a run may be about to start it."""

LAYER_IN_USE_SECONDS: Final = 600.0
"""The same for a layer: each build may save several."""

LAYER_PREFIX: Final = "layer-"
"""How the fingerprints of layers begin."""

USED, SUMMARIES = "used", "summaries"
"""The kinds of notes about templates: when one was used, and what its databases contain."""

SQLITE_FACTS: Final = "inputs.json"
"""The file beside the databases of an SQLite template that describes it."""

ABANDONED_SECONDS: Final = DAY_SECONDS
"""An incomplete SQLite template of this age belongs to a build that has died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """A template or layer that exists.

    Attributes:
        source: The name of its image, or the folder of an SQLite template.
        project: The project's name as it appears in image names.
        group: The label of its group of databases.
        created: When it was made, in seconds since the epoch.
        used: When a run last started from it, in seconds since the epoch.
        size: Its size in bytes, without what it was built from.
        depth: The length of the chain of incremental builds that leads to it.
        branch: The branch that it was built on; empty if unknown.
        catalog: The digest of its databases' catalogs; empty if an older version built it.
        databases: The names of its databases; for SQLite, the first alias of each.
        own_image: Whether its server runs the toolkit's own image.
        settings: Names and values of the user's settings for its server.
        key: The digest of its inputs.
        inputs: The beginnings of the digests of its inputs, by their names.
        manifest: What its build used, as JSON.
        milestone: The milestone of its build, as JSON; empty if no build can resume from it.
        contents: The digest of what a layer's databases contain; empty for a template.
    """

    source: str
    project: str
    group: str
    fingerprint: str
    created: float
    used: float
    size: int
    depth: int
    branch: str
    catalog: str
    databases: tuple[str, ...]
    own_image: bool
    inputs: Mapping[str, str]
    settings: tuple[tuple[str, str], ...] = ()
    key: str = ""
    manifest: str = ""
    milestone: str = ""
    contents: str = ""

    @property
    def is_layer(self) -> bool:
        """Whether it is an intermediate state of a build rather than a template."""
        return self.fingerprint.startswith(LAYER_PREFIX)

    @property
    def vendor(self) -> Vendor:
        """The vendor of its databases."""
        return vendor_named(self.group.partition("-")[0])

    @property
    def has_server(self) -> bool:
        """Whether it is an image that servers start from rather than a folder of files."""
        return self.vendor != SQLITE

    @property
    def name(self) -> str:
        """A short name: `shop/postgresql:6ade85e24bd1`."""
        return f"{self.project}/{self.group}:{self.fingerprint[:12]}"


def from_images(images: Iterable[ImageFacts], cache: Path) -> Iterator[StoredTemplate]:
    """Yield the templates and layers among images; skip other images and those without a name."""
    for image in images:
        facts = image.labels
        repository, _, tag = image.name.rpartition(":")
        prefix, _, group = repository.rpartition("/")
        if not prefix.startswith(f"{labels.NAMESPACE}/"):
            continue
        if facts.get(labels.ROLE) not in {labels.TEMPLATE, labels.LAYER}:
            continue
        if tag != facts.get(labels.FINGERPRINT) or not _is_group(group):
            continue
        project = prefix.rpartition("/")[2]
        yield StoredTemplate(
            source=image.name,
            project=project,
            group=group,
            fingerprint=tag,
            created=image.created,
            used=_used(cache, project, group, tag, image.created),
            size=image.own_size,
            depth=int(facts.get(labels.DEPTH) or 0),
            branch=facts.get(labels.BRANCH, ""),
            catalog=facts.get(labels.CATALOG, ""),
            databases=tuple(json.loads(facts.get(labels.DATABASES) or "[]")),
            own_image=bool(facts.get(labels.OWN_IMAGE)),
            key=facts.get(labels.KEY, ""),
            inputs=json.loads(facts.get(labels.INPUTS) or "{}"),
            manifest=facts.get(labels.MANIFEST, ""),
            settings=tuple(
                (str(name), str(value))
                for name, value in json.loads(facts.get(labels.SETTINGS) or "[]")
            ),
            milestone=facts.get(labels.MILESTONE, ""),
            contents=facts.get(labels.CONTENTS, ""),
        )


def from_files(cache: Path) -> Iterator[StoredTemplate]:
    """Yield the SQLite templates and layers in the cache folder."""
    for file in sorted(cache.glob(f"sqlite/*/*/{SQLITE_FACTS}")):
        stored = from_folder(file.parent, cache)
        if stored is not None and (stored.project, stored.fingerprint) == file.parts[-3:-1]:
            yield stored


def half_made_files(cache: Path) -> list[Path]:
    """Return the folders of SQLite templates whose builds have died."""
    folders = [*cache.glob("sqlite/*/making-*"), *cache.glob("sqlite/loading-*")]
    oldest = time.time() - ABANDONED_SECONDS
    return [folder for folder in folders if folder.stat().st_mtime < oldest]


def from_folder(folder: Path, cache: Path) -> StoredTemplate | None:
    """Return the SQLite template whose files are in a folder; None if they are incomplete."""
    file = folder / SQLITE_FACTS
    with suppress(OSError, ValueError, TypeError, KeyError):
        facts = json.loads(file.read_text())
        project, fingerprint = str(facts["project"]), str(facts["fingerprint"])
        if not _is_group(facts["group"]):
            return None
        created = file.stat().st_mtime
        return StoredTemplate(
            source=str(folder),
            project=project,
            group=str(facts["group"]),
            fingerprint=fingerprint,
            created=created,
            used=_used(cache, project, str(facts["group"]), fingerprint, created),
            size=sum(path.stat().st_size for path in folder.iterdir()),
            depth=int(facts["depth"]),
            branch=str(facts["branch"]),
            catalog=str(facts["catalog"]),
            databases=tuple(facts["databases"]),
            own_image=False,
            key=str(facts["key"]),
            inputs=dict(facts["inputs"]),
            manifest=str(facts["manifest"]),
            milestone=str(facts.get("milestone", "")),
            contents=str(facts.get("contents", "")),
        )
    return None


def note_use(cache: Path, project: str, group: str, fingerprint: str) -> None:
    """Remember that a template is used now; if that fails, it is only pruned earlier.

    Args:
        group: The label of its group of databases.
    """
    with suppress(OSError):
        file = note_of(cache, USED, slug(project), group, fingerprint)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def forget(cache: Path, template: StoredTemplate) -> None:
    """Remove what is known about a removed template, and its files if it has any.

    Raises:
        OSError: The files cannot be removed.
    """
    for kind in (USED, SUMMARIES):
        note = note_of(cache, kind, template.project, template.group, template.fingerprint)
        note.unlink(missing_ok=True)
    if not template.has_server:
        remove_files(Path(template.source))


def remove_files(folder: Path) -> None:
    """Remove the folder of an SQLite template.

    Raises:
        OSError: It cannot be removed.
    """
    # No run may find an incomplete template, and none looks for folders of this name.
    gone = folder.with_name(f"making-gone-{secrets.token_hex(8)}")
    with suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def to_prune(
    templates: Sequence[StoredTemplate],
    *,
    count: int = KEPT_COUNT,
    layers: int = KEPT_LAYERS,
    days: float = KEPT_DAYS,
    max_bytes: int = KEPT_BYTES,
    spared_seconds: float = IN_USE_SECONDS,
    now: float | None = None,
) -> list[tuple[StoredTemplate, str]]:
    """Return the templates and layers to prune, and why; the least recently used come first.

    Args:
        templates: The stored templates and layers.
        count: The maximum number of templates of each project's group of databases.
        layers: The maximum number of its layers.
        days: How long an unused template stays.
        max_bytes: The maximum size of a project's templates and layers together.
        spared_seconds: A template used so recently stays in any case.
        now: The current time in seconds since the epoch; None for that of the system.
    """
    moment = time.time() if now is None else now
    seen: dict[tuple[str, str, bool], int] = defaultdict(int)
    taken: dict[str, int] = defaultdict(int)
    excess: list[tuple[StoredTemplate, str]] = []
    for stored in sorted(templates, key=lambda stored: -stored.used):
        kind = (stored.project, stored.group, stored.is_layer)
        seen[kind] += 1
        limit = layers if stored.is_layer else count
        taken[stored.project] += stored.size
        unused = moment - stored.used
        if unused < spared_seconds and not (stored.is_layer and unused > LAYER_IN_USE_SECONDS):
            continue
        reason = ""
        if seen[kind] > limit:
            reason = f"{limit} others have been used since"
        elif unused > days * DAY_SECONDS:
            reason = f"not used for {unused / DAY_SECONDS:.0f} days"
        elif taken[stored.project] > max_bytes:
            reason = f"the templates of {stored.project} take more than {size(max_bytes)}"
        if reason:
            taken[stored.project] -= stored.size
            excess.append((stored, reason))
    return excess[::-1]


def amount(templates: Collection[StoredTemplate]) -> str:
    """Return how many there are: `2 templates`, `1 template and 3 layers`."""
    layers = sum(stored.is_layer for stored in templates)
    text = plural(len(templates) - layers, "template")
    return f"{text} and {plural(layers, 'layer')}" if layers else text


def age(moment: float, now: float | None = None) -> str:
    """Return how long ago a moment was: `3 days`, `2 h`, `12.0 s`."""
    return span(max(0.0, (time.time() if now is None else now) - moment))


def _is_group(label: str) -> bool:
    return label.partition("-")[0] in VENDORS


def note_of(cache: Path, kind: str, project: str, group: str, fingerprint: str) -> Path:
    """Return the file for one kind of notes about a template."""
    return cache / kind / f"{project}-{group}-{fingerprint[:32]}"


def _used(cache: Path, project: str, group: str, fingerprint: str, created: float) -> float:
    try:
        return max(created, note_of(cache, USED, project, group, fingerprint).stat().st_mtime)
    except OSError:
        return created
