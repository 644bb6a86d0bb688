"""What a template is called in a registry."""

from __future__ import annotations

import pytest

from ctest_containers.model import DatabaseGroup, Vendor
from ctest_containers.options.values import parse_repository
from ctest_containers.template import ProjectTemplate
from ctest_containers.template.share import shared_name

FINGERPRINT = "ab" * 32
LONG = "a-project-" * 20


def template(project: str, number: int) -> ProjectTemplate:
    group = DatabaseGroup(vendor=Vendor("postgresql"), number=number, databases=())
    return ProjectTemplate(
        project=project, group=group, key=FINGERPRINT, inputs=(), base=None, manifest="c" * 16
    )


def test_all_templates_are_tags_of_one_repository() -> None:
    name = shared_name("ghcr.io/acme/templates", template("shop", 2), "arm64")

    assert name == f"ghcr.io/acme/templates:shop-postgresql-2-{FINGERPRINT}-arm64"


def test_a_tag_has_at_most_128_characters_whatever_the_project_is_called() -> None:
    name = shared_name("ghcr.io/acme/templates", template(LONG, 99), "ppc64le")

    tag = name.rpartition(":")[2]
    assert len(tag) <= 128
    assert tag.endswith(f"-postgresql-99-{FINGERPRINT}-ppc64le")


@pytest.mark.parametrize(
    "name", ["ghcr.io/acme/templates", "127.0.0.1:5000/templates", "localhost/a_b/c-d.e"]
)
def test_a_repository_has_a_host_and_a_path(name: str) -> None:
    assert parse_repository(f" {name} ") == name


@pytest.mark.parametrize(
    "name",
    ["", "ghcr.io", "https://ghcr.io/acme", "ghcr.io/Acme", "ghcr.io/acme:latest", "ghcr.io/a//b"],
)
def test_anything_else_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"such as ghcr\.io/acme/templates"):
        parse_repository(name)
