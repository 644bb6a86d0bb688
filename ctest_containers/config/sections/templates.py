"""Options for templates and images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeVar

from ctest_containers.backends import BACKENDS
from ctest_containers.model import AUTO, COMPARE, DJANGO
from ctest_containers.options.option import option
from ctest_containers.options.values import (
    parse_age,
    parse_choice,
    parse_flag,
    parse_images,
    parse_paths,
    parse_repository,
    parse_seconds,
    parse_text,
)

SECTION: Final = "templates and images"

T = TypeVar("T")


def image_field(vendor: str) -> str:
    """The field with the image that the user wants for a vendor's servers."""
    return f"{vendor}_image"


def with_images_of_vendors(section: type[T]) -> type[T]:
    """Add a field for each vendor with a server, after the first field."""
    first, *rest = section.__annotations__.items()
    images = {image_field(vendor): "str" for vendor in BACKENDS}
    section.__annotations__ = dict([first, *images.items(), *rest])
    for vendor, backend in BACKENDS.items():
        row = option("", parse_text, "IMAGE", backend.image_option, section=SECTION)
        setattr(section, image_field(vendor), row)
    return section


@dataclass(frozen=True, kw_only=True)
@with_images_of_vendors
class TemplateOptions:
    """Options for templates and images."""

    project: str = option(
        "",
        parse_text,
        "NAME",
        "The project's name, which is part of the names of its template images. By default, the "
        "name of the current folder; if that is tests, src, app or the like, the parent folder's "
        "name is put in front of it. You can also use the Django setting PROJECT_NAME.",
        section=SECTION,
    )
    images: tuple[tuple[str, str], ...] = option(
        (),
        parse_images,
        "ALIAS=IMAGE",
        "Images for individual aliases, separated by commas; in Django's settings, a dictionary. "
        "They take precedence over the vendor's image.",
        section=SECTION,
    )
    registry: str = option(
        "",
        parse_repository,
        "REPOSITORY",
        "The repository from which to pull missing templates before building them, such as "
        "ghcr.io/acme/templates. The credentials are those of docker login.",
        section=SECTION,
    )
    push: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Push templates to the registry after they are built.",
        section=SECTION,
    )
    verify_templates: bool | None = option(
        None,
        parse_flag,
        "",
        "Before templates are used, check that their databases match their labels and that every "
        "migration has been applied. On by default if the variable CI is set.",
        section=SECTION,
    )
    template_max_age: float = option(
        86400.0,
        parse_age,
        "TIME",
        "The maximum age of a template whose build used a clock, random numbers or another "
        "program, such as 30m, 12h or 7d; 0 for no limit. Other templates have no limit.",
        section=SECTION,
    )
    rebuild: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Build new templates from scratch instead of using existing ones.",
        section=SECTION,
    )
    fingerprint_files: tuple[str, ...] = option(
        (),
        parse_paths,
        "PATHS",
        "More files that affect what migrations put into the database, as paths or glob patterns "
        "relative to the current folder, separated by commas.",
        section=SECTION,
    )
    build: str = option(
        AUTO,
        parse_choice(AUTO, DJANGO, COMPARE),
        "HOW",
        "How migrations run when a template is built. auto: render a model only when an operation "
        "asks for it, where this results in the same statements. django: render every related "
        "model before each operation, as manage.py migrate does, which takes longer. compare: do "
        "both, from scratch, and fail if statements, catalogs or rows differ.",
        section=SECTION,
    )
    build_timeout: float = option(
        1800.0,
        parse_seconds,
        "SECONDS",
        "How long migrating a template may take.",
        section=SECTION,
    )
