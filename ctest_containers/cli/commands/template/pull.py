"""`template pull`: pulls today's templates from a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.cli.todays_templates import on_templates, print_heading, registry
from ctest_containers.text import plural, were

if TYPE_CHECKING:
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate


def pull(supply: Supply, templates: list[ProjectTemplate]) -> int:
    """Pull each template from the registry, and return the number of those that are missing."""
    missing = 0
    for template in templates:
        print_heading(template)
        if not template.group.has_server:
            print("  SQLite's templates are files; get them with template load.")
        elif supply.databases.repository.find(template) is not None:
            print("  It is already here.")
        else:
            received, problems = supply.databases.repository.pull(template, registry(supply))
            if received is None:
                print("  The registry does not have it.")
            for problem in problems:
                print(f"  Rejected: {problem}")
            if received is not None and not problems:
                here = f"{received.present} {were(received.present)} already here"
                print(f"  Pulled: {plural(received.layers, 'layer')}; {here}.")
            missing += received is None or bool(problems)
    return missing


COMMAND: Final = ProjectCommand(
    name="template pull",
    action=on_templates(pull),
    description=(
        "Pulls the current templates from a registry, with the credentials of docker\n"
        "login. The exit code is 1 if the registry does not have all of them."
    ),
    examples=(("--registry ghcr.io/acme/templates", "Get the templates of every database."),),
).register()
