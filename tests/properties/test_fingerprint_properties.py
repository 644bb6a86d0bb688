"""No two lists of inputs have the same fingerprint."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ctest_containers.fingerprint import Input, fingerprint

NAMES = st.text(st.characters(codec=None, exclude_categories=()), max_size=4)
CONTENTS = st.text(alphabet="ab\r\n", max_size=4)
INPUTS = st.lists(st.builds(Input.of, NAMES, CONTENTS), max_size=4)
RAW_INPUTS = st.lists(
    st.builds(Input, st.text("ab", max_size=3), st.text("ab", max_size=3)), max_size=3
)


@given(INPUTS, INPUTS)
def test_two_lists_have_one_fingerprint_only_if_they_are_equal(
    one: list[Input], other: list[Input]
) -> None:
    assert (fingerprint(one) == fingerprint(other)) is (one == other)


@given(RAW_INPUTS, RAW_INPUTS)
def test_parts_never_run_together(one: list[Input], other: list[Input]) -> None:
    """From few letters, so that many lists have the same letters in a row."""
    assert (fingerprint(one) == fingerprint(other)) is (one == other)


@given(st.permutations([Input.of(name, name) for name in "abcd"]))
def test_the_order_of_inputs_counts(inputs: list[Input]) -> None:
    in_order = sorted(inputs, key=lambda one: one.name)

    assert (fingerprint(inputs) == fingerprint(in_order)) is (inputs == in_order)


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=5)))
def test_line_ends_of_any_system_give_one_digest(lines: list[str]) -> None:
    assert Input.of("name", "\n".join(lines)) == Input.of("name", "\r\n".join(lines))
