"""`template list`: the templates on this machine."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from ctest_containers.cli.command import Command
from ctest_containers.cli.local_templates import (
    add_project_options,
    chosen_project,
    local_repository,
    stored_templates,
)
from ctest_containers.cli.parsing import PROGRAM, Parser
from ctest_containers.exit_codes import ExitCode
from ctest_containers.text import size


def make_parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    parser = Parser(
        prog=f"{PROGRAM} template list",
        description="Lists the templates on this machine.",
        examples=[("template list --all --json", "List the templates of every project as JSON.")],
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_project_options(parser)
    return parser


def list_templates(arguments: Sequence[str]) -> int:
    """Print a line for each template."""
    options = make_parser().parse_args(arguments)
    from ctest_containers.template.stored import age, amount

    with local_repository() as repository:
        templates = stored_templates(repository, chosen_project(options))
    templates.sort(key=lambda template: (template.project, template.group, -template.used))
    if options.json:
        shown = [{**asdict(template), "inputs": len(template.inputs)} for template in templates]
        print(json.dumps(shown, indent=2))
        return ExitCode.PASSED
    width = max((len(template.name) for template in templates), default=8)
    if templates:
        print(f"{'template':<{width}}  {'built':>10}  {'used':>10}  {'size':>9}  depth  branch")
    for row in templates:
        print(
            f"{row.name:<{width}}  {age(row.created):>10}  {age(row.used):>10}  "
            f"{size(row.size):>9}  {row.depth:>5}  {row.branch}".rstrip()
        )
    total = sum(template.size for template in templates)
    print(f"{amount(templates)}, {size(total)} beyond what they were built from.")
    return ExitCode.PASSED


COMMAND: Final = Command(handle=list_templates, make_parser=make_parser)
