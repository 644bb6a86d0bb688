"""What dead runs left behind, and what templates take."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ctest_containers.doctor.context import DoctorContext
from ctest_containers.doctor.finding import Area, Finding, note, ok, warning
from ctest_containers.engine.api import ContainerEngine
from ctest_containers.engine.folders import dead_run_folders
from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.engine.reaper import dead_containers, half_made_images
from ctest_containers.template.stored import (
    StoredTemplate,
    amount,
    from_files,
    from_images,
    half_made_files,
    to_prune,
)
from ctest_containers.text import listing, plural, size, slug


def check_leftovers(scene: DoctorContext) -> Iterator[Finding]:
    """Look for containers, images and folders of runs that died."""
    found = list(_left(scene))
    yield from found or [ok(Area.LEFTOVERS, "Nothing is left of runs that died.")]


def check_templates(scene: DoctorContext) -> Iterator[Finding]:
    """Say what templates take, and which of them can go."""
    kept = list(from_files(scene.cache))
    if scene.engine is not None:
        kept += from_images(scene.engine.images(f"{NAMESPACE}/*/*", sizes=True), scene.cache)
    mine = [one for one in kept if one.project == slug(scene.name)]
    others = [one for one in kept if one.project != slug(scene.name)]
    yield ok(Area.LEFTOVERS, f"{_amount(mine)} of {scene.name}, {_amount(others)} of others.")
    for whose, option in ((mine, ""), (others, " --all")):
        if going := to_prune(whose):
            yield note(
                Area.LEFTOVERS,
                f"{_amount([one for one, _ in going])} can go, such as {going[0][0].name}: "
                f"{going[0][1]}.",
                f"`python -m ctest_containers template prune{option}`",
            )


def _left(scene: DoctorContext) -> Iterator[Finding]:
    if scene.engine is not None:
        yield from _of_the_engine(scene.engine, scene.name)
    folders = [str(one) for one in (*dead_run_folders(), *half_made_files(scene.cache))]
    if folders:
        yield warning(
            Area.LEFTOVERS,
            f"{plural(len(folders), 'folder')} of dead runs: {listing(folders, 2)}.",
            "`python -m ctest_containers clean`",
        )


def _of_the_engine(engine: ContainerEngine, project: str) -> Iterator[Finding]:
    every = {one.name for one in dead_containers(engine, None)}
    mine = {one.name for one in dead_containers(engine, project)}
    every_image, my_images = half_made_images(engine, None), half_made_images(engine, project)
    for whose, names, images, option in (
        (f" of {project}", mine, set(my_images), ""),
        (" of other projects", every - mine, set(every_image) - set(my_images), " --all"),
    ):
        if names:
            yield warning(
                Area.LEFTOVERS,
                f"{plural(len(names), 'container')} of dead runs{whose}: "
                f"{listing(sorted(names), 2)}.",
                f"`python -m ctest_containers clean{option}`",
            )
        if images:
            yield warning(
                Area.LEFTOVERS,
                f"{plural(len(images), 'half-made image')} of dead runs{whose}.",
                f"`python -m ctest_containers clean{option}`",
            )


def _amount(kept: Sequence[StoredTemplate]) -> str:
    taken = f" ({size(sum(one.size for one in kept))})" if kept else ""
    return f"{amount(kept)}{taken}"
