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
from ctest_containers.model import AUTO, SUPERUSER, Address, DatabaseGroup, Lease
from ctest_containers.project.branch import current_branch
from ctest_containers.rendering.transcript import Transcript
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import (
    DigestContents,
    EndSessions,
    RemoveServer,
    SaveLayer,
    ServerLimits,
    SettleRoles,
    TakeSnapshot,
    start_request,
)
from ctest_containers.template.build_order import BuildOrder, NewLayer, migrate
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.incremental import digests
from ctest_containers.template.stored import StoredTemplate

SNAPSHOT_SECONDS: Final = 600.0
"""How long saving what a server contains may take."""


def make_image(order: BuildOrder, host: ServerHostClient, server: ServerLimits) -> ProjectTemplate:
    """Make a template of a server: an image that gets its name once it is complete.

    Returns:
        The template, with its manifest.

    Raises:
        TemplateError: The build failed, or does not match `order.expected`.
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

        def save_layer(layer: NewLayer) -> None:
            request = SaveLayer(
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
            # A missing layer only makes later builds slower.
            with suppress(EngineError, ServerError, TemplateError):
                host.call(request, SNAPSHOT_SECONDS)

        migrated = migrate(order, leases, None, save_layer)
        manifest = migrated.manifest
        databases = tuple(database.name for database in group.databases)
        if group.privileges and _settle_roles(group, name, host):
            manifest = replace(manifest, users=group.users)
        built = template.made_with(manifest)
        snapshot = TakeSnapshot(
            server=name,
            image=built.image,
            databases=databases,
            fingerprint=built.fingerprint,
            labels={
                **common,
                labels.FINGERPRINT: built.fingerprint,
                labels.KEY: template.key,
                labels.MANIFEST: manifest.to_json(),
                labels.INPUTS: json.dumps(digests(template.inputs)),
                labels.MILESTONE: migrated.milestone.to_json(),
            },
            timeout_seconds=SNAPSHOT_SECONDS,
        )
        host.call(snapshot, SNAPSHOT_SECONDS * 2)
        return built


@contextmanager
def _building(
    order: BuildOrder, host: ServerHostClient, server: ServerLimits
) -> Iterator[tuple[str, Sequence[Lease]]]:
    """Run a server for a build during the block; yield its name and the leases of its databases."""
    template, group = order.template, order.template.group
    assert template.base is not None
    # A server host never reuses a name, and each attempt needs its own server.
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
        # Django drops databases of these names that a third-party image may contain.
        host.call(EndSessions(server=name), ANSWER_SECONDS)
        if order.start is not None and order.start.is_layer:
            _check_layer(order.start, name, host)
        # Django gives the test database its name when it creates it.
        yield name, server_leases(group, build(Address, answer["address"]), without="NAME")
    finally:
        # An error of the build matters more than an engine that has stopped since.
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
    """Check that a server contains what its layer was saved with.

    Raises:
        LayerError: It does not.
    """
    digest = DigestContents(server=server, databases=layer.databases)
    if host.call(digest, SNAPSHOT_SECONDS) != layer.contents:
        raise LayerError(f"The contents of {layer.name} have changed since it was saved.")


def transcribe(
    order: BuildOrder, host: ServerHostClient | None, server: ServerLimits
) -> Transcript:
    """Build a template without storing it, and return what the build did.

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
