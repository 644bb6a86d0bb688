"""What the parent asks about images: of templates, and of the toolkit's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FindTemplate:
    """Does the engine have this image? Answered with its labels, or null."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImages:
    """Which images does the engine have of a name, or a pattern? Answered with their facts."""

    name: str
    sizes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestImage:
    """What identifies this image's content? It is pulled when the engine does not have it."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildBase:
    """Build the toolkit's own image of a vendor from its folder."""

    image: str
    folder: str
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveImage:
    """Remove an image by its name, unless a container uses it; answered with whether it is gone."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropName:
    """Take an image's name away, even if containers run from it."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameImage:
    """Give an image another name."""

    image: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushImage:
    """Send an image to a registry; answered with what travelled."""

    image: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullImage:
    """Get an image from a registry; answered with what travelled, or null if it is not there."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveImage:
    """Write an image into a file."""

    image: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadImage:
    """Read an image from a file; answered with the name that it has for now."""

    file: str
