"""Moves templates between machines, through a container registry or as a file."""

from __future__ import annotations

import json
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ctest_containers.backends import vendor_named
from ctest_containers.engine.values import Travelled
from ctest_containers.errors import TemplateError
from ctest_containers.model import SQLITE, Vendor
from ctest_containers.servers.client import ANSWER_SECONDS, ServerHostClient
from ctest_containers.servers.requests import (
    AskArchitecture,
    LoadImage,
    PullImage,
    PushImage,
    SaveImage,
)
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.stored import StoredTemplate
from ctest_containers.text import slug

TRAVEL_SECONDS: Final = 1800.0
"""How long an image may take to or from a registry or a file."""

PROJECT_LENGTH: Final = 40
"""The maximum length of a project's name in a tag, which may have 128 characters."""

CONTENTS: Final = "templates.json"
"""The member of a file of templates that describes the other members."""


def shared_name(registry: str, template: ProjectTemplate, architecture: str) -> str:
    """Return the name of a template in a registry.

    All templates are tags of one repository, so that a registry knows which layers it has. A
    key is the same on every machine; an image runs only on machines of its architecture.
    """
    short = slug(template.project)[:PROJECT_LENGTH].rstrip("-")
    return f"{registry}:{short}-{template.group.label}-{template.key}-{architecture}"


def name_in(registry: str, template: ProjectTemplate, host: ServerHostClient) -> str:
    """Return the name of a template of this engine in a registry.

    Raises:
        EngineError: The engine does not answer.
    """
    return shared_name(registry, template, str(host.call(AskArchitecture(), ANSWER_SECONDS)))


def push(host: ServerHostClient, template: ProjectTemplate, registry: str) -> Travelled:
    """Push a template to a registry.

    Raises:
        RegistryError: The registry does not answer, or refuses.
    """
    request = PushImage(image=template.image, target=name_in(registry, template, host))
    return Travelled(**host.call(request, TRAVEL_SECONDS))


def pull(host: ServerHostClient, source: str) -> Travelled | None:
    """Pull a template by its name in a registry; None if the registry does not have it.

    Raises:
        RegistryError: The registry does not answer, or refuses.
    """
    travelled = host.call(PullImage(source=source), TRAVEL_SECONDS)
    return None if travelled is None else Travelled(**travelled)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A template that has arrived, but is not stored yet.

    Attributes:
        name: Its future name: that of its image, or of its folder in the cache folder.
        source: Its temporary name: that of its image, or of a folder.
    """

    name: str
    vendor: Vendor
    source: str


def save(
    host: Callable[[], ServerHostClient], templates: Iterable[StoredTemplate], file: Path
) -> None:
    """Write templates into a file, which gets its name once it is complete.

    Raises:
        TemplateError: The file cannot be written.
    """
    try:
        with tempfile.TemporaryDirectory(prefix=".saving-", dir=file.resolve().parent) as name:
            folder = Path(name)
            with tarfile.open(folder / "whole", "w") as archive:
                contents = []
                for number, template in enumerate(templates):
                    entry = {
                        "member": f"{number}",
                        "vendor": template.vendor,
                        "name": _portable_name(template),
                    }
                    contents.append(entry)
                    if not template.has_server:
                        archive.add(template.source, entry["member"])
                        continue
                    image = folder / "image"
                    request = SaveImage(image=template.source, file=str(image))
                    host().call(request, TRAVEL_SECONDS)
                    archive.add(image, entry["member"])
                    image.unlink()
                (folder / CONTENTS).write_text(json.dumps(contents))
                archive.add(folder / CONTENTS, CONTENTS)
            (folder / "whole").replace(file)
    except OSError as error:
        raise TemplateError(f"{file} cannot be written: {error}.") from error


def load(host: Callable[[], ServerHostClient], file: Path, folder: Path) -> Iterator[Loaded]:
    """Read the templates of a file; they do not have their names yet.

    Args:
        folder: Where to write SQLite templates, on the same file system as the cache folder.

    Raises:
        TemplateError: The file was not written by `save`.
    """
    try:
        with tarfile.open(file) as archive:
            for number, entry in enumerate(_contents(archive, file)):
                member, vendor = str(entry["member"]), vendor_named(entry["vendor"])
                target = folder / f"{number}"
                if vendor == SQLITE:
                    target.mkdir()
                    for name in archive.getnames():
                        if name.startswith(f"{member}/"):
                            _extract(archive, name, target / Path(name).name)
                    yield Loaded(str(entry["name"]), vendor, str(target))
                else:
                    _extract(archive, member, target)
                    image = host().call(LoadImage(file=str(target)), TRAVEL_SECONDS)
                    target.unlink()
                    yield Loaded(str(entry["name"]), vendor, image)
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise TemplateError(
            f"{file} is not a readable file of templates: {error}.",
            "Create one with: python -m ctest_containers template save FILE",
        ) from error


def _portable_name(template: StoredTemplate) -> str:
    if not template.has_server:
        return f"{template.project}/{template.fingerprint}"
    return template.source


def _extract(archive: tarfile.TarFile, member: str, target: Path) -> None:
    """Extract the content of a member, ignoring its path, owner and mode."""
    content = archive.extractfile(member)
    if content is None:
        raise KeyError(f"{member} is not a file")
    with content, target.open("wb") as out:
        shutil.copyfileobj(content, out)


def _contents(archive: tarfile.TarFile, file: Path) -> list[dict[str, Any]]:
    member = archive.extractfile(CONTENTS)
    if member is None:
        raise KeyError(f"{file} has no {CONTENTS}")
    entries: list[dict[str, Any]] = json.loads(member.read())
    return entries
