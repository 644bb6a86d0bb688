"""Makes templates of servers, which are images."""

from __future__ import annotations

import json
import secrets
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from ctest_containers.backends.drivers import unfit_drivers
from ctest_containers.backends.leases import server_leases
from ctest_containers.codec import build
from ctest_containers.engine import labels
from ctest_containers.errors import EngineError, LayerError, ServerError, TemplateError
from ctest_containers.model import (
    AUTO,
    SUPERUSER,
    Address,
    DatabaseGroup,
    Lease,
)
from ctest_containers.project.branch import current_branch
from ctest_containers.rendering.transcript import Transcript
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
from ctest_containers.template.build_order import BuildOrder, NewLayer, migrate
from ctest_containers.template.identity import Template
from ctest_containers.template.incremental import digests
from ctest_containers.template.stored import (
    StoredTemplate,
)

SNAPSHOT_SECONDS: Final = 600.0
"""How long saving what a server contains may take."""


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

        migrated = migrate(order, leases, None, keep)
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


def transcribe(
    order: BuildOrder, host: ServerHostClient | None, server: ServerLimits
) -> Transcript:
    """Build a template that is not kept; return what the build did.

    Args:
        host: None for SQLite.
    """
    if host is None:
        with tempfile.TemporaryDirectory(prefix="ctest-") as folder:
            transcript = migrate(order, (), Path(folder), None).transcript
    else:
        with _building(order, host, server) as (_, leases):
            transcript = migrate(order, leases, None, None).transcript
    assert transcript is not None
    return transcript
