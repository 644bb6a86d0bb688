"""`template save`: writes today's templates to a file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.errors import TemplateError, UsageError
from ctest_containers.text import size

if TYPE_CHECKING:
    from ctest_containers.runner import Action, ContainerRunnerMixin


def save(file: Path, runner: ContainerRunnerMixin, test_labels: list[str]) -> int:
    """Write the templates to a file.

    Raises:
        TemplateError: One does not exist, or the file cannot be written.
    """
    from ctest_containers.cli.discovered import wanted_templates
    from ctest_containers.template import share

    with wanted_templates(runner, test_labels) as (supply, templates):
        stored = []
        for template in templates:
            existing = supply.databases.repository.find(template)
            if existing is None:
                raise TemplateError(
                    f"The template for {template.group.label} does not exist yet.",
                    "Run python -m ctest_containers template build.",
                )
            stored.append(existing)
        share.save(supply.host.client, stored, file)
    names = ", ".join(template.name for template in stored)
    print(f"Saved {names} to {file} ({size(file.stat().st_size)}).")
    return 0


def save_to_first_label(runner: ContainerRunnerMixin, test_labels: list[str]) -> int:
    """Write the templates to the file that stands behind the options.

    Raises:
        UsageError: There is none.
    """
    if not test_labels or not test_labels[0]:
        raise UsageError("template save needs a file name.")
    return save(Path(test_labels[0]), runner, test_labels[1:])


def _command(action: Action) -> ProjectCommand:
    return ProjectCommand(
        name="template save",
        action=action,
        description=(
            "Saves the current templates to a file, for template load on another machine.\n"
            "The file's name comes first: template save FILE [options] [test_label ...]."
        ),
        examples=(("templates.tar", "Save the templates of every database."),),
    )


def handle(arguments: Sequence[str]) -> int:
    """Carry out the command; a file's name before the options is not a label of tests."""
    if arguments and arguments[0] and not arguments[0].startswith("-"):
        return _command(partial(save, Path(arguments[0]))).handle(arguments[1:])
    return _command(save_to_first_label).handle(arguments)


COMMAND: Final = Command(handle=handle, make_parser=_command(save_to_first_label).make_parser)
