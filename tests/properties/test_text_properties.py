"""Slugs and ends of logs of any text."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.text import last_lines, slug


@given(st.text())
def test_a_slug_is_a_component_of_an_image_name(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(name))


@given(st.text())
def test_a_slug_of_a_slug_is_itself(name: str) -> None:
    assert slug(slug(name)) == slug(name)


@given(st.text(), st.integers(min_value=1, max_value=30))
def test_the_last_lines_are_never_more_than_asked_for(output: str, count: int) -> None:
    found = last_lines(output, count)

    assert len([line for line in found.splitlines() if line.strip()]) <= count
