"""Commands about the templates that today's code wants: `build`, `explain`, `push` and so on."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from ctest_containers.cli.by_runner import runner_class
from ctest_containers.cli.template import SAVE_TO
from ctest_containers.errors import TemplateError, UsageError
from ctest_containers.fingerprint import Input, fingerprint
from ctest_containers.recording.manifest import Manifest
from ctest_containers.supply.supply import Supply
from ctest_containers.template import Template, share
from ctest_containers.template.incremental import ADDABLE
from ctest_containers.template.stored import StoredTemplate, age
from ctest_containers.text import plural, size, slug, were

FILE_FORMAT: Final = "1"
"""Changes whenever a file that `template save` has written can be loaded no more."""

KEY_LENGTH: Final = 24
"""How much of a digest is in a key."""


def explain(supply: Supply, templates: list[Template], verbosity: int) -> int:
    """Say of each template whether it is there, and if not, how it would be built and why."""
    for template in templates:
        _heading(template)
        kept = supply.databases.repository.find(template)
        for line in _hit(kept) if kept is not None else _miss(supply, template):
            print(f"  {line}")
        if verbosity >= 2:
            for one in template.inputs:
                print(f"    {one.digest[:12]}  {one.name}")
            manifest = None if kept is None else Manifest.from_json(kept.manifest)
            for name, digest in () if manifest is None else manifest.entries():
                print(f"    {digest[:12]:12}  used: {name}")
    return 0


def verify(supply: Supply, templates: list[Template], _: int) -> int:
    """Look into each template; gives the number of those with which something is wrong."""
    wrong = 0
    for template in templates:
        _heading(template)
        problems = supply.databases.chooser.problems(template)
        if problems is None:
            decision = supply.databases.chooser.decide(template)
            problems = [f"It does not exist: {decision.reason}."]
        for problem in problems or ["Its databases are what they should be."]:
            print(f"  {problem}")
        wrong += bool(problems)
    return wrong


def build(supply: Supply, templates: list[Template], _: int) -> int:
    """Make sure that the templates exist, as a run does."""
    supply.prepare([alias for template in templates for alias in template.group.aliases])
    return 0


def push(supply: Supply, templates: list[Template], _: int) -> int:
    """Send each template to the registry; gives the number of those that do not exist."""
    missing = 0
    for template in templates:
        _heading(template)
        if not template.group.has_server:
            print("  SQLite's templates are files; share them with template save.")
        elif supply.databases.repository.find(template) is None:
            print("  It does not exist yet. A run builds it.")
            missing += 1
        else:
            went = share.push(supply.host.client(), template, _registry(supply))
            there = f"{went.present} {were(went.present)} there already"
            print(f"  Pushed: {plural(went.layers, 'layer')}; {there}.")
    return missing


def pull(supply: Supply, templates: list[Template], _: int) -> int:
    """Get each template from the registry; gives the number of those that cannot be had."""
    missing = 0
    for template in templates:
        _heading(template)
        if not template.group.has_server:
            print("  SQLite's templates are files; get them with template load.")
        elif supply.databases.repository.find(template) is not None:
            print("  It is here already.")
        else:
            came, problems = supply.databases.repository.pull(template, _registry(supply))
            if came is None:
                print("  The registry does not have it.")
            for problem in problems:
                print(f"  Not kept. {problem}")
            if came is not None and not problems:
                here = f"{came.present} {were(came.present)} here already"
                print(f"  Pulled: {plural(came.layers, 'layer')}; {here}.")
            missing += came is None or bool(problems)
    return missing


def key(supply: Supply, templates: list[Template], _: int) -> int:
    """Print one line, which names the templates for a cache that keeps them in a file."""
    print(cache_key(supply.project, templates))
    return 0


def cache_key(project: str, templates: Sequence[Template]) -> str:
    """What a cache is to call these templates: `ctest-PROJECT-SURROUNDINGS-TEMPLATES`.

    The second part stays as it is while migrations only come; whatever a cache has whose key
    begins in the same way may be a template to which they can be added.
    """
    surroundings = [
        Input(f"{template.group.label} {one.name}", one.digest)
        for template in templates
        for one in template.inputs
        if not ADDABLE.fullmatch(one.name)
    ]
    named = [Input.of(template.group.label, template.key) for template in templates]
    written = Input.of("file format", FILE_FORMAT)
    parts = (fingerprint([written, *inputs]) for inputs in (surroundings, named))
    name = slug(project)[: share.PROJECT_LENGTH]
    return "-".join(("ctest", name, *(part[:KEY_LENGTH] for part in parts)))


def save(supply: Supply, templates: list[Template], file: Path) -> int:
    """Write the templates into a file.

    Raises:
        TemplateError: One does not exist, or the file cannot be written.
    """
    kept = []
    for template in templates:
        found = supply.databases.repository.find(template)
        if found is None:
            raise TemplateError(
                f"The template for {template.group.label} does not exist yet.", "A run builds it."
            )
        kept.append(found)
    share.save(supply.host.client, kept, file)
    names = ", ".join(one.name for one in kept)
    print(f"Saved {names} to {file} ({size(file.stat().st_size)}).")
    return 0


ACTIONS: Final[dict[str, Callable[[Supply, list[Template], int], int]]] = {
    "build": build,
    "explain": explain,
    "verify": verify,
    "push": push,
    "pull": pull,
    "key": key,
}


def _heading(template: Template) -> None:
    names = ", ".join(repr(alias) for alias in template.group.aliases)
    label, fingerprint = template.group.label, template.fingerprint[:12]
    print(f"{names}: the template {label}:{fingerprint}")


def _hit(kept: StoredTemplate) -> Iterator[str]:
    branch = f" on {kept.branch}" if kept.branch else ""
    yield (
        f"hit: built {age(kept.created)} ago{branch}, last used {age(kept.used)} ago, "
        f"{size(kept.size)} of its own."
    )


def _miss(supply: Supply, template: Template) -> Iterator[str]:
    decision = supply.databases.chooser.decide(template)
    way = "full build" if decision.start is None else f"incremental, from {decision.start.name}"
    yield f"miss: {decision.reason} -> {way}"
    if decision.nearest is None:
        return
    nearest, difference = decision.nearest
    yield f"against {nearest.name}, built {age(nearest.created)} ago:"
    for sign, names in (
        ("+", difference.added),
        ("-", difference.removed),
        ("~", difference.edited),
    ):
        for name in names:
            yield f"  {sign} {name}"


def _registry(supply: Supply) -> str:
    if not supply.databases.provider.registry:
        raise UsageError("There is no registry.", "Name one with --registry.")
    return supply.databases.provider.registry


def __getattr__(name: str) -> Any:
    """`explain`'s runner is `ProjectExplain`, and so on."""
    command = name.removeprefix("Project").lower()
    if not name.startswith("Project") or command not in {*ACTIONS, "save"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def act(runner: Any, words: list[str]) -> int:
        if command == "key":
            # Whoever reads the line wants nothing else.
            runner.verbosity = 0
        if command != "save":
            existing = command != "key"
            with runner.wanted_templates(words, existing=existing) as (databases, templates):
                return ACTIONS[command](databases, templates, runner.verbosity)
        file, labels = (runner.file, words) if runner.file else ("".join(words[:1]), words[1:])
        if not file:
            raise UsageError("template save needs the name of a file.")
        with runner.wanted_templates(labels) as (databases, templates):
            return save(databases, templates, Path(file))

    return runner_class(act) if command != "save" else _told_a_file(runner_class(act))


def _told_a_file(base: Any) -> Any:
    """A runner with an option for a file, so that labels may stand apart from it."""

    class ActionRunner(base):  # type: ignore[misc]  # The project's own runner is known at run time.
        def __init__(self, *arguments: Any, save_to: str | None = None, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.file = save_to

        @classmethod
        def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
            super().add_arguments(parser)
            parser.add_argument(SAVE_TO, metavar="FILE", help=argparse.SUPPRESS)

    return ActionRunner
