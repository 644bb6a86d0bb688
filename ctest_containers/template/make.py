"""Makes a template that does not exist yet, from a base image or from an earlier template."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import sqlite
from ctest_containers.backends.catalog import catalog_digest
from ctest_containers.backends.drivers import unfit_drivers
from ctest_containers.backends.leases import server_leases
from ctest_containers.engine import labels
from ctest_containers.errors import EngineError
from ctest_containers.events import Event
from ctest_containers.model import Lease, address_of
from ctest_containers.project.branch import current_branch
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.manifest import Manifest, make_manifest
from ctest_containers.recording.places import Places
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import EndSessions, RemoveServer, Snapshot, StartServer
from ctest_containers.template.build import CreateDatabases, build_in_child
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import digests
from ctest_containers.template.kept import SQLITE_FACTS, KeptTemplate, take_away
from ctest_containers.text import slug

SNAPSHOT_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """All that is needed to make a template.

    Attributes:
        start: The earlier template to which migrations are added; None for a full build.
        lent: Databases of other servers that migrations may read.
        close: Descriptors of this process that a forked child must not keep open.
        places: Where the project is.
    """

    template: Template
    start: KeptTemplate | None
    setup: ProjectSetup
    create: CreateDatabases
    lent: Sequence[Lease]
    close: Sequence[int]
    timeout_seconds: float
    places: Places

    @property
    def depth(self) -> int:
        """How many incremental builds the new template comes from."""
        return 0 if self.start is None else self.start.depth + 1


def make_files(order: BuildOrder, target: Callable[[Template], Path]) -> Template:
    """Make an SQLite template: a folder that gets its name when it is complete.

    Args:
        target: Gives the folder of a template.

    Returns:
        The template, with its manifest.
    """
    group = order.template.group
    parent = target(order.template).parent
    parent.mkdir(parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=parent))
    try:
        leases = () if order.start is None else _loaded(order.template, Path(order.start.source))
        manifest = _migrate(order, leases, making)
        template = order.template.made_with(manifest)
        catalogs = {
            database.aliases[0]: sqlite.catalog(sqlite.file_of(making, database.aliases[0]))
            for database in group.databases
        }
        facts: dict[str, Any] = {
            "project": slug(template.project),
            "fingerprint": template.fingerprint,
            "key": template.key,
            "group": group.label,
            "databases": list(catalogs),
            "branch": current_branch(Path.cwd()),
            "inputs": digests(template.inputs),
            "manifest": manifest.to_json(),
            "depth": order.depth,
            "catalog": catalog_digest(catalogs),
        }
        (making / SQLITE_FACTS).write_text(json.dumps(facts))
        # What has its name cannot be read.
        take_away(target(template))
        making.rename(target(template))
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return template


def make_image(
    order: BuildOrder,
    host: ServerHostClient,
    *,
    server_timeout_seconds: float,
    server_memory_bytes: int,
    report: Callable[[Event], None],
) -> Template:
    """Make a template of a server: an image that gets its name when it is complete.

    Returns:
        The template, with its manifest.
    """
    template, group = order.template, order.template.group
    assert template.base is not None
    # The host knows a name once, and a second attempt is a server of its own.
    server = f"template-{group.label}-{secrets.token_hex(2)}"
    start = StartServer(
        server=server,
        group=group.label,
        image=template.base.name if order.start is None else order.start.source,
        own_image=bool(template.base.context),
        settings=group.settings,
        vendor=group.vendor,
        users=group.roles,
        timeout_seconds=server_timeout_seconds,
        memory_bytes=server_memory_bytes,
    )
    try:
        answer = host.call(start, server_timeout_seconds + ANSWER_SECONDS)
        for unfit in unfit_drivers(group, answer["version"]):
            report(unfit)
        # An image of somebody else's may hold databases of these names, which Django drops.
        host.call(EndSessions(server=server), ANSWER_SECONDS)
        # Django gives the test database its name when it creates it.
        leases = server_leases(group, address_of(answer["address"]), without="NAME")
        manifest = _migrate(order, leases, None)
        made = template.made_with(manifest)
        snapshot = Snapshot(
            server=server,
            image=made.image,
            databases=tuple(one.name for one in group.databases),
            fingerprint=made.fingerprint,
            labels={
                labels.FINGERPRINT: made.fingerprint,
                labels.KEY: template.key,
                labels.MANIFEST: manifest.to_json(),
                labels.INPUTS: json.dumps(digests(template.inputs)),
                labels.DEPTH: str(order.depth),
                labels.BRANCH: current_branch(Path.cwd()),
                labels.OWN_IMAGE: "yes" if template.base.context else "",
                labels.SETTINGS: json.dumps(group.settings),
            },
            timeout_seconds=SNAPSHOT_SECONDS,
        )
        host.call(snapshot, SNAPSHOT_SECONDS * 2)
        return made
    finally:
        # What went wrong before counts more than an engine that has gone meanwhile.
        with suppress(EngineError):
            host.call(RemoveServer(server=server), ANSWER_SECONDS)


def _migrate(order: BuildOrder, leases: Sequence[Lease], folder: Path | None) -> Manifest:
    """Have Django make the databases; gives what this and earlier builds of them used."""
    began = time.time()
    used = build_in_child(
        setup=order.setup,
        create=order.create,
        group=order.template.group,
        leases=leases,
        lent=order.lent,
        folder=folder,
        keep=order.start is not None,
        close=order.close,
        timeout_seconds=order.timeout_seconds,
    )
    earlier = None if order.start is None else Manifest.from_json(order.start.manifest)
    if earlier is None:
        return make_manifest(used, order.places, since=began)
    return make_manifest(used | earlier.used(), order.places, since=began).after(earlier)


def _loaded(template: Template, folder: Path) -> Sequence[Lease]:
    """What loads the files of an earlier template into databases in memory, as they are built."""
    return [
        replace(lease, settings={"NAME": f"file:memorydb_{lease.alias}?mode=memory&cache=shared"})
        for lease in sqlite.leases(template.group, folder, folder)
        if lease.load_from
    ]
