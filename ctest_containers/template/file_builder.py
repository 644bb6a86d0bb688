"""Makes SQLite templates, which are folders of files."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ctest_containers.backends import sqlite
from ctest_containers.backends.catalog import catalog_digest
from ctest_containers.errors import LayerError
from ctest_containers.model import Lease
from ctest_containers.project.branch import current_branch
from ctest_containers.recording.digests import digest_of
from ctest_containers.template.build_order import BuildOrder, NewLayer, migrate
from ctest_containers.template.build_task import LAYER
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.incremental import digests
from ctest_containers.template.stored import SQLITE_FACTS, StoredTemplate, remove_files
from ctest_containers.text import slug


def make_files(order: BuildOrder, parent: Path) -> ProjectTemplate:
    """Make an SQLite template: a folder that gets its name once it is complete.

    Args:
        parent: The folder of the project's templates.

    Returns:
        The template, with its manifest.

    Raises:
        OSError: The files cannot be written.
        TemplateError: See `migrate`.
    """
    parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=parent))
    try:
        leases = () if order.start is None else _loaded(order.template, order.start)

        def save_layer(layer: NewLayer) -> None:
            folder, target = making / LAYER, parent / layer.fingerprint
            facts = {**layer.facts(), "fingerprint": layer.fingerprint}
            # A missing layer only makes later builds slower; another build may have saved it.
            with suppress(OSError):
                facts["contents"] = _files_digest(folder)
                _describe_files(order, folder, layer.databases, facts)
                folder.rename(target)
            shutil.rmtree(folder, ignore_errors=True)

        migrated = migrate(order, leases, making, save_layer)
        template = order.template.made_with(migrated.manifest)
        facts = {
            "fingerprint": template.fingerprint,
            "key": template.key,
            "inputs": digests(template.inputs),
            "manifest": migrated.manifest.to_json(),
            "milestone": migrated.milestone.to_json(),
        }
        names = [database.aliases[0] for database in template.group.databases]
        _describe_files(order, making, names, facts)
        # A folder of this name is not a readable template, or it would be used.
        remove_files(parent / template.fingerprint)
        making.rename(parent / template.fingerprint)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return template


def _files_digest(folder: Path) -> str:
    """Return a digest of the databases in a folder."""
    files = sorted(folder.glob("*.sqlite3"))
    return digest_of("".join(f"{file.name} {digest_of(file.read_bytes())}\n" for file in files))


def _describe_files(
    order: BuildOrder, making: Path, databases: Sequence[str], facts: Mapping[str, Any]
) -> None:
    """Write what is known about a template or layer beside its files.

    Args:
        databases: The first alias of each database.
    """
    catalogs = {alias: sqlite.catalog(sqlite.file_of(making, alias)) for alias in databases}
    common: dict[str, Any] = {
        "project": slug(order.template.project),
        "group": order.template.group.label,
        "databases": list(catalogs),
        "branch": current_branch(Path.cwd()),
        "depth": order.depth,
        "catalog": catalog_digest(catalogs),
    }
    (making / SQLITE_FACTS).write_text(json.dumps({**common, **facts}))


def _loaded(template: ProjectTemplate, start: StoredTemplate) -> Sequence[Lease]:
    """Return leases that load the files of an earlier build into databases in memory.

    Raises:
        LayerError: The files have changed since they were saved.
    """
    folder = Path(start.source)
    if start.is_layer and _files_digest(folder) != start.contents:
        raise LayerError(f"The files of {start.name} have changed since they were saved.")
    firsts = {
        alias: database.aliases[0]
        for database in template.group.databases
        for alias in database.aliases
    }
    return [
        replace(lease, settings={"NAME": f"file:memorydb_{lease.alias}?mode=memory&cache=shared"})
        for lease in sqlite.leases(template.group, folder, folder)
        if lease.load_from and firsts[lease.alias] in start.databases
    ]
