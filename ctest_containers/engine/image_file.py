"""Checks a file with an image before the engine loads it."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Final

from ctest_containers.errors import EngineError

NAME_ANNOTATION: Final = "io.containerd.image.name"


def refuse_names(file: Path) -> None:
    """Refuse a file that would give names to images, and so replace images of other projects.

    See https://github.com/moby/docker-image-spec for its members.

    Raises:
        EngineError: It would, or it does not contain exactly one image.
    """
    try:
        with tarfile.open(file) as archive:
            members = set(archive.getnames())
            (entry,) = json.loads(_read(archive, "manifest.json"))
            named = bool(entry.get("RepoTags"))
            if "index.json" in members:
                index = json.loads(_read(archive, "index.json"))
                named = named or any(
                    NAME_ANNOTATION in (manifest.get("annotations") or {})
                    for manifest in index["manifests"]
                )
            named = named or "repositories" in members
    except (OSError, tarfile.TarError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EngineError(f"{file} does not contain exactly one image: {error}") from error
    if named:
        raise EngineError(f"{file} contains image names, which saved templates never do.")


def _read(archive: tarfile.TarFile, member: str) -> bytes:
    content = archive.extractfile(member)
    return b"" if content is None else content.read()
