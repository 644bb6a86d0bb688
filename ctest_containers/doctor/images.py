"""Whether the images that servers start from are there, and today's templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ctest_containers.doctor.context import DoctorContext, Project
from ctest_containers.doctor.finding import Area, Finding, error, note, ok
from ctest_containers.engine.api import Images
from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.model import DatabaseGroup
from ctest_containers.project.schema import schema_inputs
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.template import ProjectTemplate, identify
from ctest_containers.template.base import BaseImage, base_image
from ctest_containers.template.candidates import choose
from ctest_containers.template.incremental import find_nearest
from ctest_containers.template.stored import StoredTemplate, age, from_files, from_images
from ctest_containers.text import slug

FOUNDATION: Final = "debian:trixie-slim"
"""What the Dockerfiles of the toolkit's own images begin with."""


def check_images(context: DoctorContext) -> Iterator[Finding]:
    """Say of each database whether its template is there, and what it would be built from."""
    if context.project is None:
        return
    for group in context.project.groups:
        if group.has_server and context.engine is None:
            continue
        base = base_image(group.vendor, group.image) if group.has_server else None
        has_base = _has(context.engine, base)
        if base is not None and base.folder is None and not has_base:
            yield _missing(base, group)
            continue
        identified = _template(context, context.project, group, base)
        if identified is None:
            continue
        template, stored = identified
        label = f"The template {group.label}:{template.fingerprint[:12]} for {_names(group)}"
        age_limit = context.config.template_max_age
        template = choose(
            template, stored, PortablePaths.here(), max_age_seconds=age_limit
        ).template
        hit = next(
            (candidate for candidate in stored if candidate.fingerprint == template.fingerprint),
            None,
        )
        if hit is not None:
            yield ok(Area.DATABASES, f"{label} exists, built {age(hit.created)} ago.")
            continue
        yield note(
            Area.DATABASES,
            f"{label} is missing: {_why(template, stored)}. The next run builds it.",
            "To build it now, run `python -m ctest_containers template build`.",
        )
        if base is not None:
            yield from _base(context.engine, base, has_base=has_base)


def _has(engine: Images | None, base: BaseImage | None) -> bool:
    return engine is not None and base is not None and engine.image_labels(base.name) is not None


def _missing(base: BaseImage, group: DatabaseGroup) -> Finding:
    what = f"The image {base.name} for {_names(group)} is not on the engine"
    if base.name.startswith("localhost/"):
        return error(
            Area.DATABASES,
            f"{what} and cannot be pulled: no registry can have such a name.",
            "Build it, or choose another one with `--images ALIAS=IMAGE`.",
        )
    return note(
        Area.DATABASES,
        f"{what}; the next run pulls it and builds a template from it.",
        f"To pull it now, run `docker pull {base.name}`.",
    )


def _base(engine: Images | None, base: BaseImage, *, has_base: bool) -> Iterator[Finding]:
    if has_base:
        yield ok(Area.DATABASES, f"Its image {base.name} is on the engine.")
        return
    yield note(
        Area.DATABASES,
        f"Its image {base.name} is missing, too. The next run builds it, with packages from "
        "Debian's archive.",
        "If the archive is behind a proxy, name the proxy in ~/.docker/config.json (`proxies`).",
    )
    if engine is not None and engine.image_labels(FOUNDATION) is None:
        yield note(
            Area.DATABASES,
            f"{FOUNDATION}, its base, is missing too; the next run pulls it.",
            f"Without a registry: `scripts/base-image` in a clone of the toolkit builds it from "
            f"packages; or copy it from another machine: `docker save {FOUNDATION} | docker load`.",
        )


def _template(
    context: DoctorContext, project: Project, group: DatabaseGroup, base: BaseImage | None
) -> tuple[ProjectTemplate, Sequence[StoredTemplate]] | None:
    """Today's template, and those that there are of the same databases."""
    try:
        inputs = (
            *schema_inputs(group, extra_files=project.config.fingerprint_files),
            *project.runner_inputs,
        )
        template = identify(
            project=context.name,
            group=group,
            inputs=inputs,
            base=base,
            base_digest=_digest(context.engine, base),
        )
    except Exception:  # noqa: BLE001  # Code of the project's is imported.
        # Where options or the project are at fault, their own checks say so.
        return None
    if base is None:
        stored = from_files(context.cache)
    else:
        assert context.engine is not None
        name = f"{NAMESPACE}/{slug(context.name)}/{group.label}"
        stored = from_images(context.engine.images(name), context.cache)
    mine = [
        candidate
        for candidate in stored
        if (candidate.project, candidate.group) == (slug(context.name), group.label)
        and not candidate.is_layer
    ]
    return template, mine


def _digest(engine: Images | None, base: BaseImage | None) -> str:
    if base is None or base.context or engine is None:
        return base.context if base else ""
    return engine.image_digest(base.name)


def _why(template: ProjectTemplate, stored: Sequence[StoredTemplate]) -> str:
    nearest = find_nearest(template.inputs, stored)
    return "there is no earlier template of this project" if nearest is None else str(nearest[1])


def _names(group: DatabaseGroup) -> str:
    return ", ".join(repr(alias) for alias in group.aliases)
