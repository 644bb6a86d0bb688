"""Options for templates and images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ctest_containers.config.option import option
from ctest_containers.config.values import (
    parse_age,
    parse_choice,
    parse_flag,
    parse_images,
    parse_paths,
    parse_repository,
    parse_seconds,
    parse_text,
)
from ctest_containers.model import AUTO, COMPARE, DJANGO

SECTION: Final = "templates and images"


@dataclass(frozen=True, kw_only=True)
class TemplateOptions:
    """Options for templates and images."""

    project: str = option(
        "",
        parse_text,
        "NAME",
        "The project's name in the names of its template images. "
        "By default the name of the folder that the command runs in, with the one above before it "
        "where it is called tests, src, app or the like. You can also use the "
        "Django setting PROJECT_NAME.",
        section=SECTION,
    )
    postgresql_image: str = option(
        "",
        parse_text,
        "IMAGE",
        "An image to use for PostgreSQL instead of the toolkit's own, such as postgres:16.",
        section=SECTION,
    )
    mysql_image: str = option(
        "",
        parse_text,
        "IMAGE",
        "An image to use for databases of Django's mysql backends: mariadb for the toolkit's own "
        "MariaDB, or one such as mysql:8.4 or mariadb:11.4. By default the toolkit's own MySQL.",
        section=SECTION,
    )
    images: tuple[tuple[str, str], ...] = option(
        (),
        parse_images,
        "ALIAS=IMAGE",
        "Images for single aliases, with commas between them; as a setting, a dictionary. They go "
        "before the vendor's.",
        section=SECTION,
    )
    registry: str = option(
        "",
        parse_repository,
        "REPOSITORY",
        "Where templates that are missing are pulled from before they are built, such as "
        "ghcr.io/acme/templates, with the credentials of docker login.",
        section=SECTION,
    )
    push: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Push templates to the registry after they have been built.",
        section=SECTION,
    )
    verify_templates: bool | None = option(
        None,
        parse_flag,
        "",
        "Look into templates before they are used: whether their databases are what their labels "
        "say, and have had every migration. By default where the variable CI is set.",
        section=SECTION,
    )
    template_max_age: float = option(
        86400.0,
        parse_age,
        "TIME",
        "How old a template may be whose build asked for a clock, random numbers or another "
        "program: 30m, 12h or 7d, say; 0 for no limit. Other templates have none.",
        section=SECTION,
    )
    rebuild: bool = option(
        False,  # noqa: FBT003
        parse_flag,
        "",
        "Build new templates from scratch, in place of those that would be used.",
        section=SECTION,
    )
    fingerprint_files: tuple[str, ...] = option(
        (),
        parse_paths,
        "PATHS",
        "More files that decide what migrations put into the database, as paths or glob patterns "
        "relative to the current folder, with commas between them.",
        section=SECTION,
    )
    build: str = option(
        AUTO,
        parse_choice(AUTO, DJANGO, COMPARE),
        "HOW",
        "How migrations run when a template is built. auto: render a model when an operation asks "
        "for it, where that gives the same statements. django: render every related model before "
        "each operation, as manage.py migrate does, which takes longer. compare: do both, from "
        "scratch, and fail if statements, catalogs or rows differ.",
        section=SECTION,
    )
    build_timeout: float = option(
        1800.0,
        parse_seconds,
        "SECONDS",
        "How long migrating a template may take.",
        section=SECTION,
    )
