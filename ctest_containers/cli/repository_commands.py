"""The commands about the templates of this machine, which need no project."""

from __future__ import annotations

import argparse
import json
import secrets
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Final

from ctest_containers.backends.catalog import differences
from ctest_containers.config import Config, project_meant
from ctest_containers.engine.folders import make_run_folder, remove_folder
from ctest_containers.errors import EngineUnreachableError, UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.servers.client import ServerHostClient
from ctest_containers.storage import cache_folder
from ctest_containers.template import TemplateRepository
from ctest_containers.template.stored import StoredTemplate, age, amount, to_prune
from ctest_containers.text import listing, plural, size, slug, were


def _list(options: argparse.Namespace) -> int:
    with _repository() as repository:
        found = _kept(repository, _project(options))
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
    print(f"{amount(found)}, {size(total)} beyond what they were built from.")
    return ExitCode.PASSED


def _prune(options: argparse.Namespace) -> int:
    removed = []
    with _repository() as repository:
        wanted = to_prune(
            _kept(repository, _project(options)),
            count=options.count,
            days=options.days,
            max_bytes=options.size,
            spared_seconds=0.0,
        )
        for one, reason in wanted:
            if options.dry_run:
                print(f"would remove {one.name}: {reason}")
            elif repository.remove(one):
                print(f"removed {one.name}: {reason}")
            else:
                print(f"left {one.name}, which a container uses")
                continue
            removed.append(one)
    verb = "would be" if options.dry_run else were(len(removed))
    print(f"{amount(removed)} {verb} removed.")
    return ExitCode.PASSED


def _diff(options: argparse.Namespace) -> int:
    with _repository() as repository:
        kept = _kept(repository, "*")
        project = slug(project_meant(options.project))
        one, other = (_named(kept, name, project) for name in (options.one, options.other))
        if one.vendor != other.vendor:
            raise UsageError(f"{one.name} and {other.name} are of different vendors.")
        lines = list(differences(repository.catalogs(one), repository.catalogs(other)))
    for line in lines:
        print(line)
    print(f"{plural(len(lines), 'difference')} between {one.name} and {other.name}.")
    return ExitCode.PASSED


def _load(options: argparse.Namespace) -> int:
    if not options.file.is_file():
        raise UsageError(f"There is no file {options.file}.")
    refused = 0
    with _repository() as repository:
        for name, problems in repository.load(options.file):
            if problems:
                refused += 1
                print(f"not kept: {name}. {' '.join(problems)}")
            else:
                print(f"loaded {name}")
    return ExitCode.FAILED if refused else ExitCode.PASSED


def _named(kept: Sequence[StoredTemplate], name: str, project: str) -> StoredTemplate:
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


def _kept(repository: TemplateRepository, project: str) -> list[StoredTemplate]:
    try:
        return repository.stored(project, sizes=True)
    except EngineUnreachableError as error:
        # Where there is no Docker at all, nobody expects images.
        if shutil.which("docker") is not None:
            sys.stderr.write(f"Images are left out. {error.message}\n")
        return repository.stored(project, engine=False)


def _project(options: argparse.Namespace) -> str:
    return "*" if options.all else project_meant(options.project)


@contextmanager
def _repository() -> Iterator[TemplateRepository]:
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
        yield TemplateRepository(
            folder=cache_folder(),
            host=host,
            server_timeout_seconds=Config().server_timeout,
        )
    finally:
        for one in hosts:
            one.close()
        remove_folder(folder)


ACTS: Final[Mapping[str, Callable[[argparse.Namespace], int]]] = {
    "list": _list,
    "prune": _prune,
    "diff": _diff,
    "load": _load,
}
"""What each of the commands does."""
