"""Templates on their way between machines: through a container registry, or as a file."""

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
from ctest_containers.engine.api import Travelled
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
from ctest_containers.template.identity import Template
from ctest_containers.template.stored import StoredTemplate
from ctest_containers.text import slug

TRAVEL_SECONDS: Final = 1800.0
"""What an image may take to or from a registry or a file."""

PROJECT_LENGTH: Final = 40
"""So much of a project's name is in a tag, which may have 128 characters."""

CONTENTS: Final = "templates.json"
"""The member of a file of templates that says what the others are."""


def shared_name(registry: str, template: Template, architecture: str) -> str:
    """What a template is called in a registry.

    All templates are tags of one repository, so that a registry knows which layers it has. A
    key is the same on every machine; an image runs on machines of its architecture.
    """
    short = slug(template.project)[:PROJECT_LENGTH].rstrip("-")
    return f"{registry}:{short}-{template.group.label}-{template.key}-{architecture}"


def name_in(registry: str, template: Template, host: ServerHostClient) -> str:
    """What a template of this engine is called in a registry.

    Raises:
        EngineError: The engine does not answer.
    """
    return shared_name(registry, template, str(host.call(AskArchitecture(), ANSWER_SECONDS)))


def push(host: ServerHostClient, template: Template, registry: str) -> Travelled:
    """Send a template to a registry.

    Raises:
        RegistryError: It does not answer, or refuses.
    """
    request = PushImage(image=template.image, target=name_in(registry, template, host))
    return Travelled(**host.call(request, TRAVEL_SECONDS))


def pull(host: ServerHostClient, source: str) -> Travelled | None:
    """Get what should be a template under its registry's name; None if it is not there.

    Raises:
        RegistryError: It does not answer, or refuses.
    """
    found = host.call(PullImage(source=source), TRAVEL_SECONDS)
    return None if found is None else Travelled(**found)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A template that came in a file.

    Attributes:
        name: What it is to be called: its image's name, or its folder under the cache folder.
        source: Where it is before it is given that name: another name, or a folder.
    """

    name: str
    vendor: Vendor
    source: str


def save(
    host: Callable[[], ServerHostClient], templates: Iterable[StoredTemplate], file: Path
) -> None:
    """Write templates into a file, which gets its name when it is complete.

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
    """Read the templates of a file; they are not known by their names yet.

    Args:
        folder: Where the files of SQLite templates go; on the file system of the cache folder.

    Raises:
        TemplateError: The file is none of `save`.
    """
    try:
        with tarfile.open(file) as archive:
            for number, entry in enumerate(_contents(archive, file)):
                member, vendor = str(entry["member"]), vendor_named(entry["vendor"])
                target = folder / f"{number}"
                if vendor == SQLITE:
                    target.mkdir()
                    for one in archive:
                        if one.name.startswith(f"{member}/"):
                            _extract(archive, one.name, target / Path(one.name).name)
                    yield Loaded(str(entry["name"]), vendor, str(target))
                else:
                    _extract(archive, member, target)
                    came = host().call(LoadImage(file=str(target)), TRAVEL_SECONDS)
                    target.unlink()
                    yield Loaded(str(entry["name"]), vendor, came)
    except (OSError, tarfile.TarError, KeyError, ValueError, TypeError) as error:
        raise TemplateError(
            f"{file} is no file of templates that can be read: {error}.",
            "It is made by: python -m ctest_containers template save FILE",
        ) from error


def _portable_name(template: StoredTemplate) -> str:
    if not template.has_server:
        return f"{template.project}/{template.fingerprint}"
    return template.source


def _extract(archive: tarfile.TarFile, member: str, target: Path) -> None:
    """Only the content of a member counts: its path, owner and mode are another machine's."""
    content = archive.extractfile(member)
    if content is None:
        raise KeyError(f"{member} is no file")
    with content, target.open("wb") as out:
        shutil.copyfileobj(content, out)


def _contents(archive: tarfile.TarFile, file: Path) -> list[dict[str, Any]]:
    member = archive.extractfile(CONTENTS)
    if member is None:
        raise KeyError(f"{file} has no {CONTENTS}")
    found: list[dict[str, Any]] = json.loads(member.read())
    return found
