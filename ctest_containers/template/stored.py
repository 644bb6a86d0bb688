"""The templates that are kept, and which of them are given up."""

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
from ctest_containers.engine.api import ImageFacts
from ctest_containers.model import SQLITE, Vendor
from ctest_containers.storage import KEPT_BYTES, KEPT_COUNT, KEPT_DAYS, KEPT_LAYERS
from ctest_containers.text import DAY_SECONDS, plural, size, slug, span

IN_USE_SECONDS: Final = 3600.0
"""A template that was used so recently is not given up unasked: a run may be about to start it."""

LAYER_IN_USE_SECONDS: Final = 600.0
"""The same for a layer: each build may leave several."""

LAYER_PREFIX: Final = "layer-"
"""How the fingerprints of layers begin."""

SQLITE_FACTS: Final = "inputs.json"
"""Beside the databases of an SQLite template: what it was made of."""

ABANDONED_SECONDS: Final = DAY_SECONDS
"""A half-made SQLite template of this age has nobody who would finish it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTemplate:
    """A template that exists.

    Attributes:
        source: Its image's name, or the folder of an SQLite template.
        project: The project's name as it is part of image names.
        group: The label of its databases.
        created: When it was made, in seconds since 1970.
        used: When a run last started from it, in seconds since 1970.
        size: Bytes beyond what it was built from.
        depth: How many incremental builds it comes from.
        branch: The branch it was built on; empty where that is not known.
        catalog: The digest of its databases' catalogs; empty for one of an older version.
        databases: Their names; for SQLite the first alias of each.
        own_image: Whether its server is of the toolkit's own image.
        settings: Names and values of the settings that the user wanted for its server.
        key: The digest of its inputs.
        inputs: The beginnings of the digests of its inputs, by their names.
        manifest: What its build used, as JSON.
        milestone: How far its build had come, as JSON; empty if no build can go on from it.
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
        """Whether it is what there was in the midst of a build, and no template."""
        return self.fingerprint.startswith(LAYER_PREFIX)

    @property
    def vendor(self) -> Vendor:
        """Whose databases they are."""
        return vendor_named(self.group.partition("-")[0])

    @property
    def has_server(self) -> bool:
        """Whether it is an image that servers are started from, and no folder of files."""
        return self.vendor != SQLITE

    @property
    def name(self) -> str:
        """A short name: `shop/postgresql:6ade85e24bd1`."""
        return f"{self.project}/{self.group}:{self.fingerprint[:12]}"


def from_images(images: Iterable[ImageFacts], cache: Path) -> Iterator[StoredTemplate]:
    """The templates and layers among images; what has no name, or is not ours, is left out."""
    for image in images:
        found = image.labels
        repository, _, tag = image.name.rpartition(":")
        prefix, _, group = repository.rpartition("/")
        if not prefix.startswith(f"{labels.NAMESPACE}/"):
            continue
        if found.get(labels.ROLE) not in {labels.TEMPLATE, labels.LAYER}:
            continue
        if tag != found.get(labels.FINGERPRINT) or not _is_group(group):
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
            depth=int(found.get(labels.DEPTH) or 0),
            branch=found.get(labels.BRANCH, ""),
            catalog=found.get(labels.CATALOG, ""),
            databases=tuple(json.loads(found.get(labels.DATABASES) or "[]")),
            own_image=bool(found.get(labels.OWN_IMAGE)),
            key=found.get(labels.KEY, ""),
            inputs=json.loads(found.get(labels.INPUTS) or "{}"),
            manifest=found.get(labels.MANIFEST, ""),
            settings=tuple(
                (str(name), str(value))
                for name, value in json.loads(found.get(labels.SETTINGS) or "[]")
            ),
            milestone=found.get(labels.MILESTONE, ""),
            contents=found.get(labels.CONTENTS, ""),
        )


def from_files(cache: Path) -> Iterator[StoredTemplate]:
    """The SQLite templates in the cache folder."""
    for file in sorted(cache.glob(f"sqlite/*/*/{SQLITE_FACTS}")):
        kept = from_folder(file.parent, cache)
        if kept is not None and (kept.project, kept.fingerprint) == file.parts[-3:-1]:
            yield kept


def half_made_files(cache: Path) -> list[Path]:
    """The folders of SQLite templates that nobody will finish."""
    making = [*cache.glob("sqlite/*/making-*"), *cache.glob("sqlite/loading-*")]
    return [one for one in making if time.time() - one.stat().st_mtime > ABANDONED_SECONDS]


def from_folder(folder: Path, cache: Path) -> StoredTemplate | None:
    """The SQLite template whose files are in a folder; None where they are not complete."""
    file = folder / SQLITE_FACTS
    with suppress(OSError, ValueError, TypeError, KeyError):
        found = json.loads(file.read_text())
        project, fingerprint = str(found["project"]), str(found["fingerprint"])
        if not _is_group(found["group"]):
            return None
        created = file.stat().st_mtime
        return StoredTemplate(
            source=str(folder),
            project=project,
            group=str(found["group"]),
            fingerprint=fingerprint,
            created=created,
            used=_used(cache, project, str(found["group"]), fingerprint, created),
            size=sum(one.stat().st_size for one in folder.iterdir()),
            depth=int(found["depth"]),
            branch=str(found["branch"]),
            catalog=str(found["catalog"]),
            databases=tuple(found["databases"]),
            own_image=False,
            key=str(found["key"]),
            inputs=dict(found["inputs"]),
            manifest=str(found["manifest"]),
            milestone=str(found.get("milestone", "")),
            contents=str(found.get("contents", "")),
        )
    return None


def note_use(cache: Path, project: str, group: str, fingerprint: str) -> None:
    """Remember that a template is used now; one that cannot be noted only looks older.

    Args:
        group: The label of its databases.
    """
    with suppress(OSError):
        file = _note(cache, slug(project), group, fingerprint)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()


def forget(cache: Path, template: StoredTemplate) -> None:
    """A template has been removed: remove its note, and its files if it has some.

    Raises:
        OSError: Its files cannot be removed.
    """
    _note(cache, template.project, template.group, template.fingerprint).unlink(missing_ok=True)
    if not template.has_server:
        take_away(Path(template.source))


def take_away(folder: Path) -> None:
    """Remove the folder of an SQLite template.

    Raises:
        OSError: It cannot be removed.
    """
    # Nobody finds half of it: a template's folder has a name of another form.
    gone = folder.with_name(f"making-gone-{secrets.token_hex(8)}")
    with suppress(FileNotFoundError):
        folder.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)


def to_prune(
    kept: Sequence[StoredTemplate],
    *,
    count: int = KEPT_COUNT,
    layers: int = KEPT_LAYERS,
    days: float = KEPT_DAYS,
    most_bytes: int = KEPT_BYTES,
    spared_seconds: float = IN_USE_SECONDS,
    now: float | None = None,
) -> list[tuple[StoredTemplate, str]]:
    """The templates to give up, and why, those that were not used for longest first.

    Args:
        count: How many templates of each project's group of databases stay.
        layers: How many layers.
        days: How long one stays that nobody uses.
        most_bytes: What those of a project may take together.
        spared_seconds: One that was used so recently stays in any case.
    """
    moment = time.time() if now is None else now
    seen: dict[tuple[str, str, bool], int] = defaultdict(int)
    taken: dict[str, int] = defaultdict(int)
    found: list[tuple[StoredTemplate, str]] = []
    for one in sorted(kept, key=lambda one: -one.used):
        seen[one.project, one.group, one.is_layer] += 1
        most = layers if one.is_layer else count
        taken[one.project] += one.size
        unused = moment - one.used
        if unused < spared_seconds and not (one.is_layer and unused > LAYER_IN_USE_SECONDS):
            continue
        reason = ""
        if seen[one.project, one.group, one.is_layer] > most:
            reason = f"{most} others were used since"
        elif unused > days * DAY_SECONDS:
            reason = f"not used for {unused / DAY_SECONDS:.0f} days"
        elif taken[one.project] > most_bytes:
            reason = f"the templates of {one.project} take more than {size(most_bytes)}"
        if reason:
            taken[one.project] -= one.size
            found.append((one, reason))
    return found[::-1]


def amount(kept: Collection[StoredTemplate]) -> str:
    """How many there are: `2 templates`, `1 template and 3 layers`."""
    layers = sum(one.is_layer for one in kept)
    templates = plural(len(kept) - layers, "template")
    return f"{templates} and {plural(layers, 'layer')}" if layers else templates


def age(moment: float, now: float | None = None) -> str:
    """How long ago something was: `3 days`, `2 h`, `12.0 s`."""
    return span(max(0.0, (time.time() if now is None else now) - moment))


def _is_group(label: str) -> bool:
    return label.partition("-")[0] in VENDORS


def _note(cache: Path, project: str, group: str, fingerprint: str) -> Path:
    return cache / "used" / f"{project}-{group}-{fingerprint[:32]}"


def _used(cache: Path, project: str, group: str, fingerprint: str, created: float) -> float:
    try:
        return max(created, _note(cache, project, group, fingerprint).stat().st_mtime)
    except OSError:
        return created
