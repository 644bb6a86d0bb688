"""Requests about images: those of templates, and the toolkit's own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class FindTemplate:
    """Ask whether the engine has an image; answered with its labels, or null."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindImage:
    """Ask whether the engine has an image; answered with its facts, or null."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListImages:
    """Ask which images match a name or pattern; answered with their facts."""

    name: str
    sizes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestImage:
    """Ask for the digest of an image, which is pulled if the engine does not have it."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildBase:
    """Build the toolkit's own image of a vendor from its folder."""

    image: str
    folder: str
    context: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveImage:
    """Remove an image, unless a container uses it; answered with whether it is gone."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DropName:
    """Remove a name of an image, even if containers run from it."""

    image: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NameImage:
    """Give an image another name."""

    image: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushImage:
    """Push an image to a registry; answered with what travelled."""

    image: str
    target: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PullImage:
    """Pull an image from a registry; answered with what travelled, or null if it is missing."""

    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveImage:
    """Write an image into a file."""

    image: str
    file: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadImage:
    """Read an image from a file; answered with its temporary name."""

    file: str
