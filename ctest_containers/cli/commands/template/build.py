"""`template build`: makes sure that today's templates exist, as a run does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.cli.todays_templates import on_templates

if TYPE_CHECKING:
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate


def build(supply: Supply, templates: list[ProjectTemplate]) -> int:
    """Make sure that the templates exist, as a run does."""
    supply.prepare([alias for template in templates for alias in template.group.aliases])
    return 0


COMMAND: Final = ProjectCommand(
    name="template build",
    action=on_templates(build),
    description="Builds the templates that a run would build, without running tests.",
    examples=(
        ("", "Build what is missing."),
        ("--rebuild", "Build every template from scratch."),
        ("--registry ghcr.io/acme/templates --push", "Build and share them."),
    ),
).register()
