"""Today's templates, which a run of the current code would use: what commands about them share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ctest_containers.errors import UsageError

if TYPE_CHECKING:
    from ctest_containers.runner import Action, ContainerRunnerMixin
    from ctest_containers.supply.supply import Supply
    from ctest_containers.template import ProjectTemplate


def on_templates(act: Callable[[Supply, list[ProjectTemplate]], int]) -> Action:
    """An action that is given the templates for the tests that the command line names."""

    def action(runner: ContainerRunnerMixin, test_labels: list[str]) -> int:
        from ctest_containers.cli.discovered import wanted_templates

        with wanted_templates(runner, test_labels) as (supply, templates):
            return act(supply, templates)

    return action


def print_heading(template: ProjectTemplate) -> None:
    """Print which template the following lines are about."""
    names = ", ".join(repr(alias) for alias in template.group.aliases)
    label, fingerprint = template.group.label, template.fingerprint[:12]
    print(f"{names}: the template {label}:{fingerprint}")


def registry(supply: Supply) -> str:
    """The registry that is configured.

    Raises:
        UsageError: None is.
    """
    if not supply.databases.provider.registry:
        raise UsageError("No registry is configured.", "Set one with --registry.")
    return supply.databases.provider.registry
