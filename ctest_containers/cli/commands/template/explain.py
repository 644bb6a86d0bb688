"""`template explain`: whether today's templates exist, and if not, what has changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.cli.todays_templates import print_heading
from ctest_containers.text import size

if TYPE_CHECKING:
    from ctest_containers.runner import ContainerRunnerMixin
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate
    from ctest_containers.template.stored import StoredTemplate


def explain(runner: ContainerRunnerMixin, test_labels: list[str]) -> int:
    """Print for each template whether it exists, and if not, how it would be built and why."""
    from ctest_containers.cli.discovered import wanted_templates
    from ctest_containers.recording.manifest import Manifest

    with wanted_templates(runner, test_labels) as (supply, templates):
        for template in templates:
            print_heading(template)
            stored = supply.databases.repository.find(template)
            for line in _hit(stored) if stored is not None else _miss(supply, template):
                print(f"  {line}")
            if runner.verbosity >= 2:
                for part in template.inputs:
                    print(f"    {part.digest[:12]}  {part.name}")
                manifest = None if stored is None else Manifest.from_json(stored.manifest)
                for name, digest in () if manifest is None else manifest.entries():
                    print(f"    {digest[:12]:12}  used: {name}")
    return 0


def _hit(stored: StoredTemplate) -> Iterator[str]:
    from ctest_containers.template.stored import age

    branch = f" on {stored.branch}" if stored.branch else ""
    yield (
        f"hit: built {age(stored.created)} ago{branch}, last used {age(stored.used)} ago, "
        f"{size(stored.size)} of its own."
    )


def _miss(supply: Supply, template: ProjectTemplate) -> Iterator[str]:
    from ctest_containers.template.stored import age

    decision = supply.databases.chooser.decide(template)
    way = "full build" if decision.start is None else f"incremental, from {decision.start.name}"
    yield f"miss: {decision.reason} -> {way}"
    if decision.nearest is None:
        return
    nearest, difference = decision.nearest
    yield f"against {nearest.name}, built {age(nearest.created)} ago:"
    for sign, names in (
        ("+", difference.added),
        ("-", difference.removed),
        ("~", difference.edited),
    ):
        for name in names:
            yield f"  {sign} {name}"


COMMAND: Final = ProjectCommand(
    name="template explain",
    action=explain,
    description=(
        "Shows whether the current templates exist. For a missing one, shows how a run\n"
        "would build it, and what has changed since the nearest template was built."
    ),
    examples=(
        ("", "Explain the templates of every database."),
        ("-v 2 shop", "Explain the templates for one app's tests, with every input."),
    ),
).register()
