"""`template diff`: what the databases of two templates differ in."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.local_templates import local_repository, stored_templates
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.text import listing, plural, slug

if TYPE_CHECKING:
    from ctest_containers.template.stored import StoredTemplate


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} template diff",
        description="Compares the databases of two templates: tables, columns, rows and so on.",
        examples=[
            ("template diff 3f2a 91c0", "Compare two templates by the start of their fingerprints.")
        ],
    )
    parser.add_argument(
        "first", metavar="A", help="the start of a fingerprint, or a name from template list"
    )
    parser.add_argument("second", metavar="B", help="the same for the other template")
    parser.add_argument(
        "--project",
        help="the project whose templates take precedence (default: the current folder's name)",
    )
    return parser


def diff(arguments: Sequence[str]) -> int:
    """Print a line for each difference."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.backends.catalog import differences
    from ctest_containers.config import project_meant

    with local_repository() as repository:
        templates = stored_templates(repository, "*")
        project = slug(project_meant(options.project))
        first, second = (
            _named(templates, name, project) for name in (options.first, options.second)
        )
        if first.vendor != second.vendor:
            raise UsageError(f"{first.name} and {second.name} have different vendors.")
        lines = list(differences(repository.catalogs(first), repository.catalogs(second)))
    for line in lines:
        print(line)
    print(f"{plural(len(lines), 'difference')} between {first.name} and {second.name}.")
    return ExitCode.PASSED


def _named(templates: Sequence[StoredTemplate], name: str, project: str) -> StoredTemplate:
    """The template with a name, or with the beginning of a fingerprint.

    Args:
        project: Its templates take precedence over those of other projects.

    Raises:
        UsageError: There is none, or more than one.
    """
    matches = [
        template
        for template in templates
        if template.name == name or template.fingerprint.startswith(name)
    ]
    matches = [template for template in matches if template.project == project] or matches
    if len(matches) != 1:
        names = listing([template.name for template in matches or templates], 12) or "none"
        raise UsageError(
            f"{name!r} matches {'more than one template' if matches else 'no template'}.",
            f"{'Candidates' if matches else 'Existing templates'}: {names}.",
        )
    return matches[0]


COMMAND: Final = Command(handle=diff, make_parser=make_parser)
