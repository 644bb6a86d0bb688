"""Finds the engine that the `docker` command uses, which may differ from the toolkit's.

The command follows contexts; Docker's SDK does so since 7.2.
See https://docs.docker.com/engine/manage-resources/contexts/.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerContext:
    """A context that the user has chosen.

    Attributes:
        source: What chose it: an environment variable, or a file.
        host: The address of its engine; empty if the context does not exist.
    """

    name: str
    source: str
    host: str


def chosen_context() -> DockerContext | None:
    """The context that `docker` uses; None if that is the default, or DOCKER_HOST is set."""
    if os.environ.get("DOCKER_HOST"):
        return None
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    name, source = os.environ.get("DOCKER_CONTEXT", ""), "DOCKER_CONTEXT"
    if not name:
        file = folder / "config.json"
        name, source = str(_read(file).get("currentContext") or ""), str(file)
    if name in {"", "default"}:
        return None
    # A context's folder is named by the digest of its name.
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = _read(folder / "contexts" / "meta" / digest / "meta.json")
    try:
        host = str(meta["Endpoints"]["docker"]["Host"])
    except (KeyError, TypeError):
        host = ""
    return DockerContext(name=name, source=source, host=host)


def named_in_properties() -> str:
    """The engine in ~/.testcontainers.properties, which testcontainers prefers to DOCKER_HOST."""
    try:
        lines = (Path.home() / ".testcontainers.properties").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    properties = dict(line.partition("=")[::2] for line in lines if "=" in line)
    return {key.strip(): value.strip() for key, value in properties.items()}.get("tc.host", "")


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
