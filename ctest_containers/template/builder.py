"""Makes a template that does not exist yet, from a base image or from an earlier template."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import sqlite
from ctest_containers.backends.catalog import catalog_digest
from ctest_containers.backends.drivers import unfit_drivers
from ctest_containers.backends.leases import server_leases
from ctest_containers.codec import build
from ctest_containers.engine import labels
from ctest_containers.errors import EngineError, LayerError, ServerError, TemplateError
from ctest_containers.events import Event
from ctest_containers.model import (
    AUTO,
    OWNER,
    SUPERUSER,
    Address,
    DatabaseGroup,
    Lease,
)
from ctest_containers.project.branch import current_branch
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.digests import digest_of
from ctest_containers.recording.manifest import Manifest, make_manifest
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.used import Used
from ctest_containers.rendering.transcript import Transcript, differences
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import (
    DigestContents,
    EndSessions,
    KeepLayer,
    RemoveServer,
    ServerLimits,
    SettleRoles,
    TakeSnapshot,
    start_request,
)
from ctest_containers.template.build import build_in_child
from ctest_containers.template.build_task import LAYER, BuildTask, CreateDatabases
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import digests
from ctest_containers.template.layers import (
    MAX_DEPTH,
    Milestone,
    can_be_left,
    layer_inputs,
    milestone_of,
)
from ctest_containers.template.progress import keep_seconds, read_seconds
from ctest_containers.template.stored import (
    LAYER_PREFIX,
    SQLITE_FACTS,
    StoredTemplate,
    take_away,
)
from ctest_containers.text import slug

SNAPSHOT_SECONDS: Final = 600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """All that is needed to make a template.

    Attributes:
        start: The layer or template from which the build goes on; None for a full build.
        lent: Databases of other servers that migrations may read.
        close: Descriptors of this process that a forked child must not keep open.
        places: Where the project is.
        privileges: What the project's roles may do, OWNER or SUPERUSER; empty if the vendor's
            backend does not distinguish.
        on_demand: Whether models are rendered when an operation asks for them.
        report: Called with each event.
        cache: Where what builds took is kept.
        transcribes: Whether the build takes down what it does.
        expected: What another build did, which this one has to do as well; None for anything.
    """

    template: Template
    start: StoredTemplate | None
    setup: ProjectSetup
    create: CreateDatabases
    lent: Sequence[Lease]
    close: Sequence[int]
    timeout_seconds: float
    places: PortablePaths
    on_demand: bool
    report: Callable[[Event], None]
    cache: Path
    privileges: str = ""
    transcribes: bool = False
    expected: Transcript | None = None

    @property
    def is_superuser(self) -> bool:
        """Whether the project's roles are made superusers before migrations run."""
        return self.privileges == SUPERUSER

    @property
    def may_need_superuser(self) -> bool:
        """Whether to run migrations again as a superuser if they lack a privilege."""
        return self.privileges == OWNER and self.template.group.privileges == AUTO

    @property
    def depth(self) -> int:
        """How many incremental builds the new template comes from."""
        return 0 if self.start is None else self.start.depth + 1


@dataclass(frozen=True, slots=True)
class Migrated:
    """What there is when Django has made the databases.

    Attributes:
        manifest: What this and earlier builds of them used.
        transcript: What the build did, if it was taken down.
    """

    milestone: Milestone
    manifest: Manifest
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class NewLayer:
    """What there is in the midst of a build, and is kept for later ones.

    Attributes:
        inputs: The digests of what the build has used so far, of what is known before it.
        manifest: What it has used besides.
    """

    milestone: Milestone
    inputs: Mapping[str, str]
    manifest: Manifest
    depth: int

    @property
    def databases(self) -> tuple[str, ...]:
        """The first alias of each database that there is."""
        return tuple(self.milestone.applied)

    @property
    def fingerprint(self) -> str:
        """What tells it from all others."""
        return LAYER_PREFIX + digest_of(json.dumps(self.facts(), sort_keys=True))

    def facts(self) -> dict[str, Any]:
        """What is written down of it."""
        return {
            "key": "",
            "inputs": dict(self.inputs),
            "manifest": self.manifest.to_json(),
            "milestone": self.milestone.to_json(),
            "depth": self.depth,
        }


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

        migrated = _migrate(order, leases, making, keep)
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


def make_image(order: BuildOrder, host: ServerHostClient, server: ServerLimits) -> Template:
    """Make a template of a server: an image that gets its name when it is complete.

    Returns:
        The template, with its manifest.

    Raises:
        TemplateError: It could not be made, or is not what `order.expected` says.
    """
    template, group = order.template, order.template.group
    assert template.base is not None
    common = {
        labels.DEPTH: str(order.depth),
        labels.BRANCH: current_branch(Path.cwd()),
        labels.OWN_IMAGE: "yes" if template.base.context else "",
        labels.SETTINGS: json.dumps(group.settings),
    }
    names = {database.aliases[0]: database.name for database in group.databases}
    with _building(order, host, server) as (name, leases):

        def keep(layer: NewLayer) -> None:
            request = KeepLayer(
                server=name,
                image=f"{template.repository}:{layer.fingerprint}",
                databases=tuple(names[alias] for alias in layer.databases),
                labels={
                    **common,
                    labels.FINGERPRINT: layer.fingerprint,
                    labels.MANIFEST: layer.manifest.to_json(),
                    labels.INPUTS: json.dumps(layer.inputs),
                    labels.MILESTONE: layer.milestone.to_json(),
                },
            )
            # Without it, a later build only takes longer.
            with suppress(EngineError, ServerError, TemplateError):
                host.call(request, SNAPSHOT_SECONDS)

        migrated = _migrate(order, leases, None, keep)
        manifest = migrated.manifest
        databases = tuple(one.name for one in group.databases)
        if group.privileges and _settle_roles(group, name, host):
            manifest = replace(manifest, users=group.users)
        made = template.made_with(manifest)
        snapshot = TakeSnapshot(
            server=name,
            image=made.image,
            databases=databases,
            fingerprint=made.fingerprint,
            labels={
                **common,
                labels.FINGERPRINT: made.fingerprint,
                labels.KEY: template.key,
                labels.MANIFEST: manifest.to_json(),
                labels.INPUTS: json.dumps(digests(template.inputs)),
                labels.MILESTONE: migrated.milestone.to_json(),
            },
            timeout_seconds=SNAPSHOT_SECONDS,
        )
        host.call(snapshot, SNAPSHOT_SECONDS * 2)
        return made


def transcribe(
    order: BuildOrder, host: ServerHostClient | None, server: ServerLimits
) -> Transcript:
    """Build a template that is not kept; return what the build did.

    Args:
        host: None for SQLite.
    """
    if host is None:
        with tempfile.TemporaryDirectory(prefix="ctest-") as folder:
            transcript = _migrate(order, (), Path(folder), None).transcript
    else:
        with _building(order, host, server) as (_, leases):
            transcript = _migrate(order, leases, None, None).transcript
    assert transcript is not None
    return transcript


@contextmanager
def _building(
    order: BuildOrder, host: ServerHostClient, server: ServerLimits
) -> Iterator[tuple[str, Sequence[Lease]]]:
    """A server for a build, as long as the block lasts: its name, and its databases."""
    template, group = order.template, order.template.group
    assert template.base is not None
    # The host knows a name once, and a second attempt is a server of its own.
    name = f"template-{group.label}-{secrets.token_hex(2)}"
    start = start_request(
        group,
        server=name,
        image=template.base.name if order.start is None else order.start.source,
        own_image=bool(template.base.context),
        privileges=order.privileges,
        limits=server,
    )
    try:
        answer = host.call(start, server.timeout_seconds + ANSWER_SECONDS)
        for unfit in unfit_drivers(group, answer["version"]):
            order.report(unfit)
        # An image of somebody else's may hold databases of these names, which Django drops.
        host.call(EndSessions(server=name), ANSWER_SECONDS)
        if order.start is not None and order.start.is_layer:
            _check_layer(order.start, name, host)
        # Django gives the test database its name when it creates it.
        yield name, server_leases(group, build(Address, answer["address"]), without="NAME")
    finally:
        # What went wrong before counts more than an engine that has gone meanwhile.
        with suppress(EngineError):
            host.call(RemoveServer(server=name), ANSWER_SECONDS)


def _migrate(
    order: BuildOrder,
    leases: Sequence[Lease],
    folder: Path | None,
    keep: Callable[[NewLayer], None] | None,
) -> Migrated:
    """Have Django make the databases.

    Returns:
        The last milestone, and what this and earlier builds of them used.

    Args:
        folder: See `build_in_child`.
        keep: Called at milestones; None if no layers are kept.

    Raises:
        TemplateError: The build failed, or differs from what `order.expected` says.
    """
    began, group = time.time(), order.template.group
    earlier = None if order.start is None else Manifest.from_json(order.start.manifest)

    def manifest_of(used: Used) -> Manifest:
        manifest = make_manifest(used, order.places, since=began)
        return manifest if earlier is None else manifest.after(earlier)

    def with_roles(milestone: Milestone) -> Milestone:
        users = group.users if group.privileges else {}
        return replace(milestone, is_superuser=order.is_superuser, users=users)

    def keep_layer(milestone: Milestone, used: Used, unused: Collection[str]) -> None:
        milestone = with_roles(milestone)
        inputs = layer_inputs(order.template.inputs, milestone, unused)
        assert keep is not None
        keep(NewLayer(milestone, inputs, manifest_of(used), order.depth))

    start = Milestone() if order.start is None else milestone_of(order.start)
    # Milestones execute statements, which would be recorded.
    is_watched = can_be_left(order.template) and not order.transcribes
    is_left = keep is not None and is_watched and order.depth < MAX_DEPTH
    task = BuildTask(
        setup=order.setup,
        create=order.create,
        group=group,
        leases=tuple(leases),
        lent=tuple(order.lent),
        may_need_superuser=order.may_need_superuser,
        on_demand=order.on_demand,
        transcribes=order.transcribes,
        known_seconds=read_seconds(order.cache, order.template.project, group.label),
        folder=folder,
        start=start,
        is_left=is_left,
        is_watched=is_watched,
    )
    built = build_in_child(
        task,
        keep=keep_layer if is_left else None,
        report=order.report,
        close=order.close,
        timeout_seconds=order.timeout_seconds,
    )
    keep_seconds(order.cache, order.template.project, group.label, built.seconds)
    if order.expected is not None and built.transcript is not None:
        _compare(order, built.transcript)
    manifest = manifest_of(built.used)
    manifest = replace(manifest, facts={**manifest.facts, **built.facts})
    return Migrated(with_roles(built.milestone), manifest, built.transcript)


def _compare(order: BuildOrder, actual: Transcript) -> None:
    """Refuse a build that differs from the one in Django's own way.

    Raises:
        TemplateError: It does.
    """
    assert order.expected is not None
    if lines := differences(order.expected, actual):
        raise TemplateError(
            f"Migrating {order.template.group.label} with models rendered on demand differs from "
            "Django's own way:\n" + "\n".join(f"  {line}" for line in lines),
            "Use --build django until this is fixed, and please report it.",
        )


def _settle_roles(group: DatabaseGroup, server: str, host: ServerHostClient) -> bool:
    """Decide what the roles may do in a template, and return whether it depends on them."""
    promote = group.privileges == AUTO and not group.has_shared_databases
    request = SettleRoles(
        server=server, users=group.roles, memberships=group.memberships, promote=promote
    )
    is_restricted = host.call(request, ANSWER_SECONDS)
    if group.privileges == SUPERUSER:
        return False
    return is_restricted or not promote


def _check_layer(layer: StoredTemplate, server: str, host: ServerHostClient) -> None:
    """Refuse a server that does not contain what there was when its layer was made.

    Raises:
        LayerError: It does not.
    """
    digest = DigestContents(server=server, databases=layer.databases)
    if host.call(digest, SNAPSHOT_SECONDS) != layer.contents:
        raise LayerError(f"A server started from {layer.name} has other contents than were saved.")


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
