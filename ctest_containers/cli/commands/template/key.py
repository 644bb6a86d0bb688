"""`template key`: what a cache of files is to call today's templates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.project_command import ProjectCommand
from ctest_containers.text import slug

if TYPE_CHECKING:
    from ctest_containers.runner import ContainerRunnerMixin
    from ctest_containers.template import ProjectTemplate

FILE_FORMAT: Final = "1"
"""Changes whenever older files of `template save` can no longer be loaded."""

KEY_LENGTH: Final = 24
"""How many characters of a digest are in a key."""


def print_key(runner: ContainerRunnerMixin, test_labels: list[str]) -> int:
    """Print one line, which names the templates for a cache that keeps them in a file."""
    from ctest_containers.cli.discovered import wanted_templates

    # A script reads the line, and nothing else may be printed.
    runner.verbosity = 0
    with wanted_templates(runner, test_labels, existing=False) as (supply, templates):
        print(cache_key(supply.project, templates))
    return 0


def cache_key(project: str, templates: Sequence[ProjectTemplate]) -> str:
    """The key of these templates in a cache: `ctest-PROJECT-SURROUNDINGS-TEMPLATES`.

    The second part stays the same while migrations are only added: templates whose key begins
    alike may be templates to which the new migrations can be added.
    """
    from ctest_containers.fingerprint import Input, fingerprint
    from ctest_containers.template.incremental import ADDABLE
    from ctest_containers.template.share import PROJECT_LENGTH

    surroundings = [
        Input(f"{template.group.label} {part.name}", part.digest)
        for template in templates
        for part in template.inputs
        if not ADDABLE.fullmatch(part.name)
    ]
    named = [Input.of(template.group.label, template.key) for template in templates]
    written = Input.of("file format", FILE_FORMAT)
    parts = (fingerprint([written, *inputs]) for inputs in (surroundings, named))
    name = slug(project)[:PROJECT_LENGTH]
    return "-".join(("ctest", name, *(part[:KEY_LENGTH] for part in parts)))


COMMAND: Final = ProjectCommand(
    name="template key",
    action=print_key,
    description=(
        "Prints a key under which a CI cache can store the file that template save\n"
        "writes. If two keys differ only after the last dash, new migrations may be added\n"
        "to the older templates."
    ),
    examples=(("", "Print the key of the templates of every database."),),
).register()
