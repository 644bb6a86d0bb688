"""Makes templates of SQLite, which are folders of files."""

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
from ctest_containers.model import (
    Lease,
)
from ctest_containers.project.branch import current_branch
from ctest_containers.recording.digests import digest_of
from ctest_containers.template.build_order import BuildOrder, NewLayer, migrate
from ctest_containers.template.build_task import LAYER
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import digests
from ctest_containers.template.stored import (
    SQLITE_FACTS,
    StoredTemplate,
    take_away,
)
from ctest_containers.text import slug


def make_files(order: BuildOrder, parent: Path) -> Template:
    """Make an SQLite template: a folder that gets its name when it is complete.

    Args:
        parent: Where such folders are.

    Returns:
        The template, with its manifest.
    """
    parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=parent))
    try:
        leases = () if order.start is None else _loaded(order.template, order.start)

        def keep(layer: NewLayer) -> None:
            folder, target = making / LAYER, parent / layer.fingerprint
            facts = {**layer.facts(), "fingerprint": layer.fingerprint}
            # Without it, a later build only takes longer; another one may have it already.
            with suppress(OSError):
                facts["contents"] = _files_digest(folder)
                _describe_files(order, folder, layer.databases, facts)
                folder.rename(target)
            shutil.rmtree(folder, ignore_errors=True)

        migrated = migrate(order, leases, making, keep)
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
        # What has its name cannot be read.
        take_away(parent / template.fingerprint)
        making.rename(parent / template.fingerprint)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return template


def _files_digest(folder: Path) -> str:
    """What identifies the databases in a folder."""
    files = sorted(folder.glob("*.sqlite3"))
    return digest_of("".join(f"{one.name} {digest_of(one.read_bytes())}\n" for one in files))


def _describe_files(
    order: BuildOrder, making: Path, databases: Sequence[str], facts: Mapping[str, Any]
) -> None:
    """Write down what the files in a folder are.

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


def _loaded(template: Template, start: StoredTemplate) -> Sequence[Lease]:
    """What loads the files of an earlier build into databases in memory, as they are built.

    Raises:
        LayerError: They are not what they were.
    """
    folder = Path(start.source)
    if start.is_layer and _files_digest(folder) != start.contents:
        raise LayerError(f"The files of {start.name} have other contents than were saved.")
    firsts = {alias: one.aliases[0] for one in template.group.databases for alias in one.aliases}
    return [
        replace(lease, settings={"NAME": f"file:memorydb_{lease.alias}?mode=memory&cache=shared"})
        for lease in sqlite.leases(template.group, folder, folder)
        if lease.load_from and firsts[lease.alias] in start.databases
    ]
