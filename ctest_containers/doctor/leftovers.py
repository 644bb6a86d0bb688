"""What dead runs left behind, and the space that templates take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, note, ok, warning
from ctest_containers.engine.api import ContainerEngine
from ctest_containers.engine.folders import dead_run_folders
from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.engine.reaper import dead_containers, half_made_images
from ctest_containers.failures.store import FailureStore
from ctest_containers.template.stored import (
    StoredTemplate,
    amount,
    from_files,
    from_images,
    half_made_files,
    to_prune,
)
from ctest_containers.text import listing, plural, size, slug


def check_leftovers(context: DoctorContext) -> Iterator[Finding]:
    """Check for containers, images and folders of dead runs."""
    findings = list(_left(context))
    yield from findings or [ok(Area.LEFTOVERS, "No crashed run has left anything behind.")]


def check_templates(context: DoctorContext) -> Iterator[Finding]:
    """Add up the space that templates take, and name those that can be removed."""
    templates = list(from_files(context.cache))
    if context.engine is not None:
        templates += from_images(
            context.engine.images(f"{NAMESPACE}/*/*", sizes=True), context.cache
        )
    mine = [template for template in templates if template.project == slug(context.name)]
    others = [template for template in templates if template.project != slug(context.name)]
    yield ok(Area.LEFTOVERS, f"{_amount(mine)} of {context.name}, {_amount(others)} of others.")
    for whose, option in ((mine, ""), (others, " --all")):
        if surplus := to_prune(whose):
            first, reason = surplus[0]
            removable = _amount([template for template, _ in surplus])
            yield note(
                Area.LEFTOVERS,
                f"{removable} can be removed, such as {first.name}: {reason}.",
                f"Run `python -m ctest_containers template prune{option}`.",
            )


def check_failures(context: DoctorContext) -> Iterator[Finding]:
    """Add up the space that the kept databases of failed tests take."""
    failures = FailureStore.of(context.name, context.cache).all()
    if failures:
        taken = size(sum(stored.size for stored in failures))
        yield ok(
            Area.LEFTOVERS,
            f"The databases of {plural(len(failures), 'failed test')} of {context.name} are kept "
            f"({taken}).",
        )


def _left(context: DoctorContext) -> Iterator[Finding]:
    if context.engine is not None:
        yield from _of_the_engine(context.engine, context.name)
    folders = [str(folder) for folder in (*dead_run_folders(), *half_made_files(context.cache))]
    if folders:
        yield warning(
            Area.LEFTOVERS,
            f"{plural(len(folders), 'folder')} of crashed runs: {listing(folders, 2)}.",
            "Run `python -m ctest_containers clean`.",
        )


def _of_the_engine(engine: ContainerEngine, project: str) -> Iterator[Finding]:
    every = {container.name for container in dead_containers(engine, None)}
    mine = {container.name for container in dead_containers(engine, project)}
    every_image, my_images = half_made_images(engine, None), half_made_images(engine, project)
    for whose, names, images, option in (
        (f" of {project}", mine, set(my_images), ""),
        (" of other projects", every - mine, set(every_image) - set(my_images), " --all"),
    ):
        if names:
            yield warning(
                Area.LEFTOVERS,
                f"{plural(len(names), 'container')} of crashed runs{whose}: "
                f"{listing(sorted(names), 2)}.",
                f"Run `python -m ctest_containers clean{option}`.",
            )
        if images:
            yield warning(
                Area.LEFTOVERS,
                f"{plural(len(images), 'unfinished image')} of crashed runs{whose}.",
                f"Run `python -m ctest_containers clean{option}`.",
            )


def _amount(templates: Sequence[StoredTemplate]) -> str:
    taken = f" ({size(sum(template.size for template in templates))})" if templates else ""
    return f"{amount(templates)}{taken}"
