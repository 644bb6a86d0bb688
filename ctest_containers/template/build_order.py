"""The order for a template, and how Django carries it out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ctest_containers.errors import TemplateError
from ctest_containers.events import Event
from ctest_containers.model import AUTO, OWNER, SUPERUSER, Lease
from ctest_containers.project.process import ProjectSetup
from ctest_containers.recording.digests import digest_of
from ctest_containers.recording.manifest import Manifest, make_manifest
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.recording.used import Used
from ctest_containers.rendering.transcript import Transcript, differences
from ctest_containers.template.build import build_in_child
from ctest_containers.template.build_task import BuildTask, CreateDatabases
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.layers import (
    MAX_DEPTH,
    Milestone,
    is_resumable,
    layer_inputs,
    milestone_of,
)
from ctest_containers.template.progress import keep_seconds, read_seconds
from ctest_containers.template.stored import LAYER_PREFIX, StoredTemplate


@dataclass(frozen=True, slots=True)
class BuildMeans:
    """What a run provides for the builds of its templates.

    Attributes:
        setup: How the child process that migrates starts.
        create: Creates and migrates the test databases of some aliases in that process.
        lend: Called before a build; returns databases of other servers that it may read.
    """

    setup: ProjectSetup
    create: CreateDatabases
    lend: Callable[[], Sequence[Lease]]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOrder:
    """Everything that a build of a template needs.

    Attributes:
        start: The layer or template from which the build resumes; None for a full build.
        lent: Databases of other servers that migrations may read.
        close: Descriptors of this process that a forked child must close.
        paths: Names files relative to the project.
        privileges: What the project's roles may do, OWNER or SUPERUSER; empty if the vendor's
            backend does not distinguish.
        on_demand: Whether models are rendered when an operation asks for them.
        report: Called with each event.
        cache: The toolkit's cache folder, which keeps how long builds took.
        transcribes: Whether the build is transcribed.
        expected: The transcript that the build has to match; None if it may do anything.
    """

    template: ProjectTemplate
    start: StoredTemplate | None
    setup: ProjectSetup
    create: CreateDatabases
    lent: Sequence[Lease]
    close: Sequence[int]
    timeout_seconds: float
    paths: PortablePaths
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
        """The length of the chain of incremental builds that leads to the new template."""
        return 0 if self.start is None else self.start.depth + 1


@dataclass(frozen=True, slots=True)
class Migrated:
    """The result of migrating the databases of a template.

    Attributes:
        milestone: The last milestone.
        manifest: What this build and those that it resumed from used.
        transcript: What the build did; None if it was not transcribed.
    """

    milestone: Milestone
    manifest: Manifest
    transcript: Transcript | None


@dataclass(frozen=True, slots=True)
class NewLayer:
    """An intermediate state of a build, to be saved for later builds.

    Attributes:
        inputs: The digests of the template's inputs that the build has used so far.
        manifest: What else it has used so far.
        depth: See `BuildOrder`.
    """

    milestone: Milestone
    inputs: Mapping[str, str]
    manifest: Manifest
    depth: int

    @property
    def databases(self) -> tuple[str, ...]:
        """The first alias of each database that exists so far."""
        return tuple(self.milestone.applied)

    @property
    def fingerprint(self) -> str:
        """The name of the layer, unique to its facts."""
        return LAYER_PREFIX + digest_of(json.dumps(self.facts(), sort_keys=True))

    def facts(self) -> dict[str, Any]:
        """Return what is stored about the layer."""
        return {
            "key": "",
            "inputs": dict(self.inputs),
            "manifest": self.manifest.to_json(),
            "milestone": self.milestone.to_json(),
            "depth": self.depth,
        }


def migrate(
    order: BuildOrder,
    leases: Sequence[Lease],
    folder: Path | None,
    save_layer: Callable[[NewLayer], None] | None,
) -> Migrated:
    """Have Django create and migrate the databases.

    Args:
        folder: See `BuildTask`.
        save_layer: Called at milestones; None if no layers are saved.

    Raises:
        TemplateError: The build failed, or does not match `order.expected`.
    """
    began, group = time.time(), order.template.group
    earlier = None if order.start is None else Manifest.from_json(order.start.manifest)

    def manifest_of(used: Used) -> Manifest:
        manifest = make_manifest(used, order.paths, since=began)
        return manifest if earlier is None else manifest.after(earlier)

    def with_roles(milestone: Milestone) -> Milestone:
        users = group.users if group.privileges else {}
        return replace(milestone, is_superuser=order.is_superuser, users=users)

    def save(milestone: Milestone, used: Used, unused: Collection[str]) -> None:
        milestone = with_roles(milestone)
        inputs = layer_inputs(order.template.inputs, milestone, unused)
        assert save_layer is not None
        save_layer(NewLayer(milestone, inputs, manifest_of(used), order.depth))

    start = Milestone() if order.start is None else milestone_of(order.start)
    # Watching for milestones executes statements, which would appear in the transcript.
    is_watched = is_resumable(order.template) and not order.transcribes
    saves_layers = save_layer is not None and is_watched and order.depth < MAX_DEPTH
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
        saves_layers=saves_layers,
        is_watched=is_watched,
    )
    built = build_in_child(
        task,
        save=save if saves_layers else None,
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
    """Check that a build did what the build in Django's own way did.

    Raises:
        TemplateError: They differ.
    """
    assert order.expected is not None
    if lines := differences(order.expected, actual):
        raise TemplateError(
            f"Migrating {order.template.group.label} with models rendered on demand differs from "
            "Django's own way:\n" + "\n".join(f"  {line}" for line in lines),
            "Use --build django until this is fixed, and please report it.",
        )
