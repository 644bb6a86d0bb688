"""The exit codes, which do not change."""

from __future__ import annotations

from ctest_containers.exit_codes import ExitCode


def test_exit_codes_are_as_documented() -> None:
    assert {code.name: int(code) for code in ExitCode} == {
        "PASSED": 0,
        "FAILED": 1,
        "SETUP_FAILED": 2,
        "INTERRUPTED": 130,
        "TERMINATED": 143,
    }
