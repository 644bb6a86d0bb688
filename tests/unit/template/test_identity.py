"""What a template is called."""

from __future__ import annotations

import re

import pytest

from ctest_containers.fingerprint import Input
from ctest_containers.model import DatabaseGroup, DatabasePlan, Vendor
from ctest_containers.template import ProjectTemplate, identify, identity

GROUP = DatabaseGroup(
    vendor=Vendor("postgresql"),
    number=1,
    databases=(DatabasePlan(name="test_shop", aliases=("default",)),),
)
REFERENCE = re.compile(
    # https://pkg.go.dev/github.com/distribution/reference
    r"localhost(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)+:[\w][\w.-]{0,127}",
    re.ASCII,
)


def _identify(
    *,
    project: str = "shop",
    group: DatabaseGroup = GROUP,
    inputs: tuple[Input, ...] = (Input("migration shop.0001", "a"),),
    base_digest: str = "sha256:1",
) -> ProjectTemplate:
    return identify(project=project, group=group, inputs=inputs, base=None, base_digest=base_digest)


@pytest.mark.parametrize("project", ["shop", "My Shop", "__x__", "日本", "", "a/b:c", "Ünï" * 60])
def test_the_name_of_the_image_is_one_that_an_engine_accepts(project: str) -> None:
    template = _identify(project=project)

    assert REFERENCE.fullmatch(template.image)
    assert len(template.image.split(":")[0]) < 255


def test_the_name_of_the_image_has_the_project_the_group_and_the_fingerprint() -> None:
    template = _identify(project="My Shop")

    assert template.image == f"localhost/ctest/my-shop/postgresql:{template.fingerprint}"


def test_two_groups_have_two_images() -> None:
    second = DatabaseGroup(vendor=Vendor("postgresql"), number=2, databases=GROUP.databases)

    assert _identify().image != _identify(group=second).image


def test_the_same_inputs_have_the_same_fingerprint() -> None:
    assert _identify().fingerprint == _identify().fingerprint


def test_the_name_of_the_project_is_no_part_of_the_fingerprint() -> None:
    assert _identify(project="a").fingerprint == _identify(project="b").fingerprint


def test_another_input_has_another_fingerprint() -> None:
    other = _identify(inputs=(Input("migration shop.0001", "b"),))

    assert _identify().fingerprint != other.fingerprint


def test_another_base_image_has_another_fingerprint() -> None:
    assert _identify().fingerprint != _identify(base_digest="sha256:2").fingerprint


def test_another_template_format_has_another_fingerprint(monkeypatch: pytest.MonkeyPatch) -> None:
    before = _identify().fingerprint

    monkeypatch.setattr(identity, "TEMPLATE_FORMAT", "next")

    assert before != _identify().fingerprint


def test_a_template_keeps_all_its_inputs() -> None:
    template = _identify()

    names = [one.name for one in template.inputs]
    assert names == ["template format", "base image", "migration shop.0001"]
