"""What a template is called, and why."""

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
"""Changes whenever an older template would not do for this version of the toolkit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """The template of a group of databases, whether it exists or not.

    Attributes:
        key: The digest of its inputs. Several templates may have it, whose builds used different
            things besides.
        inputs: What is known before a build.
        base: The image it starts from; None for SQLite.
        manifest: The digest of what its build used; empty while there is no such template.
        clocks: What gave its build something that it gives only once, such as a clock, each with
            the moment, in seconds since the epoch.
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
        """What tells it from all others; while there is no such template, its key."""
        return whole_fingerprint(self.key, self.manifest)

    def made_with(self, manifest: Manifest) -> Template:
        """The template whose build used this."""
        clocks = tuple(sorted(manifest.clocks.items()))
        return replace(self, manifest=manifest.digest, clocks=clocks, facts=manifest.facts)

    @property
    def has_own_runner(self) -> bool:
        """Whether a test runner of the project's own puts something into the databases."""
        return any(one.name.startswith("test runner ") for one in self.inputs)

    @property
    def image(self) -> str:
        """The name of its image."""
        return f"{self.repository}:{self.fingerprint}"

    @property
    def repository(self) -> str:
        """That of its image and of all that have another fingerprint."""
        return f"{NAMESPACE}/{slug(self.project)}/{self.group.label}"


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
        key=fingerprint(everything),
        inputs=everything,
        base=base,
    )


def whole_fingerprint(key: str, manifest: str) -> str:
    """The fingerprint of a template with this key whose manifest has this digest."""
    parts = (Input("key", key), Input("manifest", manifest))
    return fingerprint(parts) if manifest else key
