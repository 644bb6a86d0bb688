"""What a node's process prints is told in whole lines, once, and not without end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ctest_containers.cluster.printed import CUT_OFF, MOST_BYTES, Printed


@pytest.fixture
def printed() -> Iterator[Printed]:
    """Nothing has been printed yet."""
    made = Printed()
    with made.file:
        yield made


def _print(printed: Printed, text: str) -> None:
    printed.file.write(text.encode())
    printed.file.flush()


def test_whole_lines_are_told_once_and_the_last_one_when_nothing_more_comes(
    printed: Printed,
) -> None:
    _print(printed, "one\ntwo\nthr")

    assert printed.more(last=False) == "one\ntwo\n"
    assert printed.more(last=False) == ""
    _print(printed, "ee")
    assert printed.more(last=True) == "three"


def test_what_was_printed_before_is_left_out_and_still_known_at_the_end(printed: Printed) -> None:
    _print(printed, "before\n")
    printed.skip()
    _print(printed, "after\n")

    assert printed.more(last=False) == "after\n"
    assert printed.end().split() == ["before", "after"]


def test_more_than_a_mebibyte_is_cut_off_with_a_word(printed: Printed) -> None:
    _print(printed, "x" * 99 + "\n")
    _print(printed, ("y" * 99 + "\n") * (MOST_BYTES // 100))

    told = printed.more(last=True)

    assert told.endswith(CUT_OFF)
    assert len(told) == MOST_BYTES + len(CUT_OFF) + 1
    assert printed.more(last=True) == ""
