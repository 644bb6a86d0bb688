"""The toolkit's own database images, named by the content of the folder they are built from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ctest_containers.backends import BACKENDS
from ctest_containers.engine.labels import NAMESPACE
from ctest_containers.errors import ImageUnavailableError
from ctest_containers.events import BaseImageBuildStarted, Event
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import BuildBase, FindTemplate

IMAGE_SECONDS: Final = 1800.0
"""How long pulling or building a base image may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseImage:
    """The image that a template starts from.

    Attributes:
        folder: The folder with its Dockerfile; None for a third-party image.
        context: The SHA-256 digest of that folder; empty for a third-party image.
    """

    name: str
    folder: Path | None = None
    context: str = ""


def base_image(vendor: str, named: str) -> BaseImage:
    """Return the image to start from: the one that the user named, or the toolkit's own.

    Args:
        named: The name of an image or of one of the toolkit's own; empty for the default.
    """
    folders = BACKENDS[vendor].own_images
    own = named or next(iter(folders))
    if own not in folders:
        return BaseImage(name=named)
    folder = _images() / own
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = file.read_bytes().replace(b"\r\n", b"\n")
        for part in (file.relative_to(folder).as_posix().encode(), content):
            digest.update(len(part).to_bytes(8, "big") + part)
    context = digest.hexdigest()
    return BaseImage(name=f"{NAMESPACE}/base/{own}:{context[:16]}", folder=folder, context=context)


def _images() -> Path:
    """Return the folder `images`: inside the installed package, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "images", package.parent / "images"):
        if folder.is_dir():
            return folder
    raise ImageUnavailableError(
        f"The Dockerfiles of the database images are missing from {package}.",
        "Reinstall ctest-containers.",
    )


def ensure_image(
    base: BaseImage,
    vendor: str,
    host: ServerHostClient,
    *,
    lock: Callable[[str], AbstractContextManager[None]],
    report: Callable[[Event], None],
) -> None:
    """Make sure that the engine has a base image; build the toolkit's own if it is missing.

    Args:
        lock: Returns a lock with a name, which only one run at a time holds.

    Raises:
        ImageUnavailableError: A third-party image is missing.
    """
    if host.call(FindTemplate(image=base.name), ANSWER_SECONDS) is not None:
        return
    if base.folder is None:
        raise ImageUnavailableError(
            f"The image {base.name} is no longer on the engine.",
            "Run the command again to pull it.",
        )
    with lock(f"base-{vendor}-{base.context[:32]}"):
        report(BaseImageBuildStarted(image=base.name))
        build = BuildBase(image=base.name, folder=str(base.folder), context=base.context)
        host.call(build, IMAGE_SECONDS)
