"""What runners say of their runs."""

from __future__ import annotations

import pytest
from harness.bench.told import Counting, Told, told

UNITTEST = """\
Found 5 test(s).
.F.E.
----------------------------------------------------------------------
Ran 5 tests in 1.250s

FAILED (failures=2, errors=1, skipped=4, expected failures=3, unexpected successes=1)
"""


def test_unittest_is_understood_with_all_that_makes_a_run_fail() -> None:
    assert told(UNITTEST, Counting.UNITTEST) == Told(tests=5, seconds=1.25, failed=4)


def test_a_run_that_passes_has_no_failures() -> None:
    output = "Ran 1 test in 0.003s\n\nOK (skipped=1)\n"

    assert told(output, Counting.UNITTEST) == Told(tests=1, seconds=0.003, failed=0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("12 passed in 3.40s", Told(12, 3.4, 0)),
        ("2 failed, 8 passed, 1 skipped, 1 error in 61.20s (0:01:01)", Told(12, 61.2, 3)),
        ("===== 3 passed, 2 xfailed, 1 warning in 0.50s =====", Told(5, 0.5, 0)),
        ("3 passed, 4 subtests passed in 0.50s", Told(3, 0.5, 0)),
    ],
)
def test_the_last_line_of_pytest_is_understood(line: str, expected: Told) -> None:
    assert told(f"....\n{line}\n", Counting.PYTEST) == expected


@pytest.mark.parametrize("counting", Counting)
def test_a_run_that_did_not_come_to_its_end_has_told_nothing(counting: Counting) -> None:
    assert told("Traceback (most recent call last):\n  boom\n", counting) is None
