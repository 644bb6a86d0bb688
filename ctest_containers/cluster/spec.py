"""What a node receives about a run before it gets any work."""

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
    """What a node needs for its part of a run.

    Attributes:
        run: The run's id.
        folder: The project's folder, the same on every node unless the code is shipped.
        settings: The module of the project's settings.
        versions: Versions that must be the same everywhere, by what they are of.
        files: The digests of the project's files.
        archive: These files, if they are shipped; empty if nodes have a checkout.
        prepare: A call to make before the project is loaded; see `pickled_call`.
        plan: A pickled `NodePlan`.
        workers: The number of workers declared for the node; None lets it decide.
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
        """Return the spec as one line."""
        return base64.b64encode(pickle.dumps(self)) + b"\n"


def from_line(line: bytes) -> NodeSpec:
    """Return the spec of a line that `as_line` made."""
    spec = pickle.loads(base64.b64decode(line))  # noqa: S301  # From the parent of the run.
    assert isinstance(spec, NodeSpec)
    return spec


def versions() -> dict[str, str]:
    """Return the versions that must be the same on the parent and on nodes."""
    import django

    python = ".".join(platform.python_version_tuple()[:2])
    return {"Python": python, "Django": django.get_version(), "ctest_containers": __version__}
