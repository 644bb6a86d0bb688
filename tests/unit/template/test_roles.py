"""Which template is used or resumed from if it matters which role a project connects as."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ctest_containers.model import AUTO, OWNER, SUPERUSER, DatabaseGroup, DatabasePlan, Vendor
from ctest_containers.project.migrations import Plan
from ctest_containers.recording.manifest import Manifest
from ctest_containers.recording.portable_paths import PortablePaths
from ctest_containers.template.candidates import choose
from ctest_containers.template.identity import ProjectTemplate
from ctest_containers.template.layers import Milestone, find_start
from ctest_containers.template.stored import StoredTemplate

PLAN = Plan(
    steps=("shop.0001",),
    with_data=frozenset(),
    of_rows=frozenset(),
    altering=frozenset(),
    targets={},
    fixed=frozenset(),
    sharing=frozenset(),
    has_squashed=False,
)


def template(user: str = "shop", vendor: str = "postgresql") -> ProjectTemplate:
    """The template that a project wants if it connects as this role."""
    plan = DatabasePlan(name="test_shop", aliases=("default",), users=(user,))
    privileges = AUTO if vendor == "postgresql" else ""
    group = DatabaseGroup(vendor=Vendor(vendor), number=1, databases=(plan,), privileges=privileges)
    return ProjectTemplate(project="shop", group=group, key="k", inputs=(), base=None)


MATTERS = Manifest(users={"default": "shop"})
DOES_NOT_MATTER = Manifest()


def kept(
    template: ProjectTemplate, manifest: Manifest, *, is_superuser: bool = False
) -> StoredTemplate:
    """A template built as the role "shop", which may have been a superuser from the start.

    Args:
        template: The one that is wanted.
        manifest: Says whether it matters who built it.
    """
    return StoredTemplate(
        source="image",
        project="shop",
        group=template.group.label,
        fingerprint=template.made_with(manifest).fingerprint,
        created=0.0,
        used=0.0,
        size=0,
        depth=0,
        branch="",
        catalog="",
        databases=("test_shop",),
        own_image=True,
        inputs={},
        key="k",
        manifest=manifest.to_json(),
        milestone=Milestone(
            applied={"default": []},
            is_superuser=is_superuser,
            users={"default": "shop"} if template.group.privileges else {},
        ).to_json(),
    )


@pytest.mark.parametrize(
    ("user", "manifest"), [("shop", MATTERS), ("shop", DOES_NOT_MATTER), ("other", DOES_NOT_MATTER)]
)
def test_a_template_is_used_by_the_same_role_or_by_any_if_roles_do_not_matter(
    user: str, manifest: Manifest
) -> None:
    wanted = template(user)
    one = kept(wanted, manifest)

    assert choose(wanted, [one], PortablePaths.here(), max_age_seconds=0).template.manifest


def test_a_template_in_which_roles_matter_is_not_used_by_another_role() -> None:
    wanted = template("other")
    one = kept(wanted, MATTERS)

    choice = choose(wanted, [one], PortablePaths.here(), max_age_seconds=0)

    assert not choice.template.manifest
    assert choice.changes == ("USER of 'default' ('shop', now 'other')",)


def test_roles_that_matter_are_part_of_the_fingerprint() -> None:
    assert MATTERS.digest != DOES_NOT_MATTER.digest
    assert Manifest.from_json(MATTERS.to_json()) == MATTERS


def test_a_build_resumes_only_as_the_same_role() -> None:
    wanted = template("other")
    one = kept(wanted, DOES_NOT_MATTER)

    assert find_start(wanted, [one], PLAN, lambda _: [], late_data=False) is None
    assert find_start(template(), [one], PLAN, lambda _: [], late_data=False) is not None


def test_a_build_that_needs_a_superuser_resumes_from_what_a_superuser_has_made() -> None:
    wanted = template()
    by_owner = kept(wanted, DOES_NOT_MATTER)
    by_superuser = replace(kept(wanted, DOES_NOT_MATTER, is_superuser=True), source="b")
    both = [by_superuser, by_owner]

    def start(privileges: str) -> StoredTemplate | None:
        found = find_start(wanted, both, PLAN, lambda _: [], late_data=False, privileges=privileges)
        return found.stored if found else None

    assert start("") == by_owner
    assert start(OWNER) == by_owner
    assert start(SUPERUSER) == by_superuser


def test_vendors_without_owners_do_not_ask_who_made_a_template() -> None:
    wanted = template(vendor="mysql")
    one = kept(wanted, Manifest())

    assert find_start(wanted, [one], PLAN, lambda _: [], late_data=False) is not None
