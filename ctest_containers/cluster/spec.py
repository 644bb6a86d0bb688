"""What a node is told of a run before it gets any work."""

from __future__ import annotations

import base64
import pickle
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from ctest_containers.cluster.code import Manifest
from ctest_containers.version import __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSpec:
    """All that a node needs to do its part of a run.

    Attributes:
        run: The run's id.
        folder: The project's folder, the same on every node unless the code is shipped.
        settings: The module of the project's settings.
        versions: What has to be the same everywhere.
        files: The project's files, and their digests.
        archive: Those files, where they are shipped; empty where nodes have a checkout.
        prepare: What is to be called before the project is loaded; see `pickled_call`.
        plan: A `NodePlan`, pickled.
        workers: How many workers a node has been said to carry; None where nobody has.
    """

    run: str
    folder: str
    settings: str
    versions: Mapping[str, str]
    files: Manifest
    archive: bytes
    prepare: bytes
    plan: bytes
    workers: int | None = None

    def as_line(self) -> bytes:
        """It as one line."""
        return base64.b64encode(pickle.dumps(self)) + b"\n"


def from_line(line: bytes) -> NodeSpec:
    """What `as_line` has made of a spec."""
    found = pickle.loads(base64.b64decode(line))  # noqa: S301  # From the parent of the run.
    assert isinstance(found, NodeSpec)
    return found


def versions() -> dict[str, str]:
    """The versions that parent and nodes have to have in common."""
    import django

    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, "Django": django.get_version(), "ctest_containers": __version__}
