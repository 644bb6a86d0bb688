"""`template`: what templates there are, what is in them, and how they come and go."""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends.catalog import differences
from ctest_containers.cli.parsing import Parser
from ctest_containers.config import Config, project_meant
from ctest_containers.config.values import parse_count, parse_size
from ctest_containers.engine.folders import make_run_folder, remove_folder
from ctest_containers.errors import EngineUnreachableError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.servers import ServerHostClient
from ctest_containers.storage import cache_folder
from ctest_containers.template import Shelf
from ctest_containers.template.kept import (
    KEPT_BYTES,
    KEPT_COUNT,
    KEPT_DAYS,
    KeptTemplate,
    age,
    to_prune,
)
from ctest_containers.text import listing, plural, size, slug

BY_RUNNER: Final = {
    "build": "make sure that today's templates exist, as a run does",
    "explain": "whether today's templates exist, and if not, what has changed",
    "verify": "look into today's templates: are they what they say, has every migration been run",
    "push": "send today's templates to --registry",
    "pull": "get today's templates from --registry",
    "save": "write today's templates into a file",
    "key": "what today's templates are called in a cache of such files",
}
"""Those that load the project; they take the options of `run`, and labels of tests."""

SAVE_TO: Final = "--save-to"
"""How the runner of `save` is told its file; `template save FILE` becomes it."""


def template(arguments: Sequence[str]) -> int:
    """Carry out one of the commands about templates."""
    if arguments and arguments[0] in BY_RUNNER:
        from ctest_containers.cli.run import run

        command, *words = arguments
        if command == "save" and words and not words[0].startswith("-"):
            # As a label, it could not be followed by an option and labels again.
            words[0] = f"{SAVE_TO}={words[0]}"
        runner = f"ctest_containers.cli.wanted.Project{command.capitalize()}"
        return run(words, runner, typed=f"template {command}")
    options = parser().parse_args(arguments)
    return int(options.act(options))


def parser() -> argparse.ArgumentParser:
    """What the command line may have."""
    made = Parser(
        prog="python -m ctest_containers template",
        description="What templates there are, what is in them, and how they come and go.",
        examples=[
            ("template explain", "Say whether a run would build, and why."),
            ("template list", "Show those of this project."),
            ("template prune --days 7", "Give up those that nobody used for a week."),
            ("template push --registry ghcr.io/acme/templates", "Share today's."),
        ],
    )
    commands = made.add_subparsers(required=True, metavar="COMMAND")
    for name, meaning in BY_RUNNER.items():
        commands.add_parser(name, help=meaning)
    listed = commands.add_parser("list", help="the templates on this machine")
    listed.add_argument("--json", action="store_true", help="as JSON")
    listed.set_defaults(act=_list)
    pruning = commands.add_parser(
        "prune", help="remove those that are too many, too old or too large"
    )
    pruning.add_argument(
        "--count",
        type=_positive,
        default=KEPT_COUNT,
        help=f"how many of each database's templates stay (default: {KEPT_COUNT})",
    )
    pruning.add_argument(
        "--days",
        type=_positive,
        default=KEPT_DAYS,
        help=f"how long one stays that nobody uses (default: {KEPT_DAYS:g})",
    )
    pruning.add_argument(
        "--size",
        type=_size,
        default=KEPT_BYTES,
        help=f"what a project's may take together (default: {size(KEPT_BYTES)})",
    )
    pruning.add_argument("--dry-run", action="store_true", help="only say what would be removed")
    pruning.set_defaults(act=_prune)
    for one in (listed, pruning):
        one.add_argument("--project", help="of this project; by default the current folder's name")
        one.add_argument("--all", action="store_true", help="of every project")
    diff = commands.add_parser("diff", help="what two templates differ in")
    diff.add_argument("one", metavar="A", help="the beginning of a fingerprint, or a name of list")
    diff.add_argument("other", metavar="B")
    diff.add_argument(
        "--project", help="whose are meant first; by default the current folder's name"
    )
    diff.set_defaults(act=_diff)
    loading = commands.add_parser("load", help="take templates in from a file")
    loading.add_argument("file", type=Path)
    loading.set_defaults(act=_load)
    return made


def _list(options: argparse.Namespace) -> int:
    with _shelf() as shelf:
        found = _kept(shelf, _project(options))
    found.sort(key=lambda one: (one.project, one.group, -one.used))
    if options.json:
        shown = [{**asdict(one), "inputs": len(one.inputs)} for one in found]
        print(json.dumps(shown, indent=2))
        return ExitCode.PASSED
    width = max((len(one.name) for one in found), default=8)
    if found:
        print(f"{'template':<{width}}  {'built':>10}  {'used':>10}  {'size':>9}  depth  branch")
    for one in found:
        print(
            f"{one.name:<{width}}  {age(one.created):>10}  {age(one.used):>10}  "
            f"{size(one.size):>9}  {one.depth:>5}  {one.branch}".rstrip()
        )
    total = sum(one.size for one in found)
    print(f"{plural(len(found), 'template')}, {size(total)} beyond what they were built from.")
    return ExitCode.PASSED


def _prune(options: argparse.Namespace) -> int:
    removed = 0
    with _shelf() as shelf:
        wanted = to_prune(
            _kept(shelf, _project(options)),
            count=options.count,
            days=options.days,
            most_bytes=options.size,
            spared_seconds=0.0,
        )
        for one, reason in wanted:
            if options.dry_run:
                print(f"would remove {one.name}: {reason}")
            elif shelf.remove(one):
                print(f"removed {one.name}: {reason}")
            else:
                print(f"left {one.name}, which a container uses")
                continue
            removed += 1
    print(f"{plural(removed, 'template')} {'would be' if options.dry_run else 'were'} removed.")
    return ExitCode.PASSED


def _diff(options: argparse.Namespace) -> int:
    with _shelf() as shelf:
        kept = _kept(shelf, "*")
        project = slug(project_meant(options.project))
        one, other = (_named(kept, name, project) for name in (options.one, options.other))
        if one.vendor is not other.vendor:
            raise UsageError(f"{one.name} and {other.name} are of different vendors.")
        lines = list(differences(shelf.catalogs(one), shelf.catalogs(other)))
    for line in lines:
        print(line)
    print(f"{plural(len(lines), 'difference')} between {one.name} and {other.name}.")
    return ExitCode.PASSED


def _load(options: argparse.Namespace) -> int:
    if not options.file.is_file():
        raise UsageError(f"There is no file {options.file}.")
    refused = 0
    with _shelf() as shelf:
        for name, problems in shelf.load(options.file):
            if problems:
                refused += 1
                print(f"not kept: {name}. {' '.join(problems)}")
            else:
                print(f"loaded {name}")
    return ExitCode.FAILED if refused else ExitCode.PASSED


def _named(kept: Sequence[KeptTemplate], name: str, project: str) -> KeptTemplate:
    """The template that somebody means by a name, or by the beginning of a fingerprint.

    Args:
        project: One of this project's is meant where others' are called the same.
    """
    found = [one for one in kept if one.name == name or one.fingerprint.startswith(name)]
    found = [one for one in found if one.project == project] or found
    if len(found) != 1:
        names = listing([one.name for one in found or kept], 12) or "none"
        raise UsageError(
            f"{name!r} names {'no template' if not found else 'more than one template'}.",
            f"{'There are' if not found else 'It may mean'}: {names}.",
        )
    return found[0]


def _kept(shelf: Shelf, project: str) -> list[KeptTemplate]:
    try:
        return shelf.kept(project)
    except EngineUnreachableError as error:
        # Where there is no Docker at all, nobody expects images.
        if shutil.which("docker") is not None:
            sys.stderr.write(f"Images are left out. {error.message}\n")
        return shelf.kept(project, engine=False)


def _project(options: argparse.Namespace) -> str:
    return "*" if options.all else project_meant(options.project)


@contextmanager
def _shelf() -> Iterator[Shelf]:
    """The templates of this machine, without any project."""
    hosts: list[ServerHostClient] = []
    run = secrets.token_hex(4)
    folder = make_run_folder(run)

    def host() -> ServerHostClient:
        if not hosts:
            hosts.append(
                ServerHostClient(
                    run=run,
                    folder=folder,
                    project=project_meant(None),
                    transport=Config().transport,
                )
            )
        return hosts[0]

    try:
        yield Shelf(
            folder=cache_folder(),
            host=host,
            server_timeout_seconds=Config().server_timeout,
        )
    finally:
        for one in hosts:
            one.close()
        remove_folder(folder)


def _positive(text: str) -> int:
    return _parsed(parse_count, text)


def _size(text: str) -> int:
    return _parsed(parse_size, text)


def _parsed(parse: Any, text: str) -> int:
    try:
        return int(parse(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} {error}") from error
