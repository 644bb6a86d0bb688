"""`template push`: pushes today's templates to a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.cli.todays_templates import on_templates, print_heading, registry
from ctest_containers.text import plural, were

if TYPE_CHECKING:
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate


def push(supply: Supply, templates: list[ProjectTemplate]) -> int:
    """Push each template to the registry, and return the number of those that do not exist."""
    from ctest_containers.template import share

    missing = 0
    for template in templates:
        print_heading(template)
        if not template.group.has_server:
            print("  SQLite's templates are files; share them with template save.")
        elif supply.databases.repository.find(template) is None:
            print("  It does not exist yet. Run template build first.")
            missing += 1
        else:
            sent = share.push(supply.host.client(), template, registry(supply))
            there = f"{sent.present} {were(sent.present)} already there"
            print(f"  Pushed: {plural(sent.layers, 'layer')}; {there}.")
    return missing


COMMAND: Final = ProjectCommand(
    name="template push",
    action=on_templates(push),
    description=(
        "Pushes the current templates to a registry, with the credentials of docker login.\n"
        "The exit code is 1 if one of them does not exist yet."
    ),
    examples=(("--registry ghcr.io/acme/templates", "Share the templates of every database."),),
).register()
