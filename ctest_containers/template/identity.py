"""What a template is called, and why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.fingerprint import Input, fingerprint
from ctest_containers.model import DatabaseGroup
from ctest_containers.template.base import BaseImage
from ctest_containers.text import slug

TEMPLATE_FORMAT: Final = "3"
"""Changes whenever an older template would not do for this version of the toolkit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The template of a group of databases, whether it exists or not.

    Attributes:
        base: The image it starts from; None for SQLite.
        inputs: What the fingerprint was made of.
    """

    project: str
    group: DatabaseGroup
    fingerprint: str
    inputs: tuple[Input, ...]
    base: BaseImage | None

    @property
    def has_own_runner(self) -> bool:
        """Whether a test runner of the project's own puts something into the databases."""
        return any(one.name.startswith("test runner ") for one in self.inputs)

    @property
    def image(self) -> str:
        """The name of its image."""
        return f"{NAMESPACE}/{slug(self.project)}/{self.group.label}:{self.fingerprint}"


def identify(
    *,
    project: str,
    group: DatabaseGroup,
    inputs: Iterable[Input],
    base: BaseImage | None,
    base_digest: str,
) -> Template:
    """The template that these inputs call for."""
    everything = (
        Input.of("template format", TEMPLATE_FORMAT),
        Input.of("base image", base_digest),
        *inputs,
    )
    return Template(
        project=project,
        group=group,
        fingerprint=fingerprint(everything),
        inputs=everything,
        base=base,
    )
