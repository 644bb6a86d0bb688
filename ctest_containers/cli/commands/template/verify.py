"""`template verify`: whether today's templates are what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.cli.todays_templates import on_templates, print_heading

if TYPE_CHECKING:
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate


NO_PROBLEM: Final = "Its databases match its labels, and every migration is applied."


def verify(supply: Supply, templates: list[ProjectTemplate]) -> int:
    """Check each template, and return the number of those that have problems."""
    wrong = 0
    for template in templates:
        print_heading(template)
        problems = supply.databases.chooser.problems(template)
        if problems is None:
            decision = supply.databases.chooser.decide(template)
            problems = [f"It does not exist: {decision.reason}."]
        for problem in problems or [NO_PROBLEM]:
            print(f"  {problem}")
        wrong += bool(problems)
    return wrong


COMMAND: Final = ProjectCommand(
    name="template verify",
    action=on_templates(verify),
    description=(
        "Checks that the databases in the current templates match their labels, and that\n"
        "every migration has been applied. The exit code is 1 if they don't, or if a\n"
        "template is missing."
    ),
    examples=(("", "Check the templates of every database."),),
).register()
