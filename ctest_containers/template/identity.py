"""The identity of a template: its inputs, and the names derived from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.fingerprint import Input, fingerprint
from ctest_containers.model import DatabaseGroup
from ctest_containers.recording.manifest import Manifest
from ctest_containers.template.base import BaseImage
from ctest_containers.text import slug

TEMPLATE_FORMAT: Final = "6"
"""Changes whenever this version of the toolkit cannot use older templates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectTemplate:
    """The template of a group of databases, whether it exists or not.

    Attributes:
        key: The digest of its inputs. Templates whose builds used different things share a key.
        inputs: What is known before a build.
        base: The image that its build starts from; None for SQLite.
        manifest: The digest of what its build used; empty as long as there is no such template.
        clocks: The sources of values that its build cannot get again, such as a clock, each with
            the moment of use in seconds since the epoch.
        facts: What each alias's connection remembered about the server.
    """

    project: str
    group: DatabaseGroup
    key: str
    inputs: tuple[Input, ...]
    base: BaseImage | None
    manifest: str = ""
    clocks: tuple[tuple[str, float], ...] = ()
    facts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)

    @property
    def fingerprint(self) -> str:
        """The digest that identifies it; its key as long as there is no such template."""
        return whole_fingerprint(self.key, self.manifest)

    def made_with(self, manifest: Manifest) -> ProjectTemplate:
        """Return the template whose build used what a manifest lists."""
        clocks = tuple(sorted(manifest.clocks.items()))
        return replace(self, manifest=manifest.digest, clocks=clocks, facts=manifest.facts)

    @property
    def has_own_runner(self) -> bool:
        """Whether the project's own test runner sets up the databases."""
        return any(input_.name.startswith("test runner ") for input_ in self.inputs)

    @property
    def image(self) -> str:
        """The name of its image."""
        return f"{self.repository}:{self.fingerprint}"

    @property
    def repository(self) -> str:
        """The name of its image without the tag, which is the fingerprint."""
        return f"{NAMESPACE}/{slug(self.project)}/{self.group.label}"


def identify(
    *,
    project: str,
    group: DatabaseGroup,
    inputs: Iterable[Input],
    base: BaseImage | None,
    base_digest: str,
) -> ProjectTemplate:
    """Return the template for these inputs, without a manifest."""
    everything = (
        Input.of("template format", TEMPLATE_FORMAT),
        Input.of("base image", base_digest),
        *inputs,
    )
    return ProjectTemplate(
        project=project, group=group, key=fingerprint(everything), inputs=everything, base=base
    )


def whole_fingerprint(key: str, manifest: str) -> str:
    """Return the fingerprint of a template, given its key and the digest of its manifest."""
    parts = (Input("key", key), Input("manifest", manifest))
    return fingerprint(parts) if manifest else key
