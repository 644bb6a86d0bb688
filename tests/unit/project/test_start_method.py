"""How child processes start, on each platform."""

from __future__ import annotations

import pytest

from ctest_containers.errors import UsageError
from ctest_containers.project.process import spawns


@pytest.mark.parametrize(
    ("start_method", "platform", "expected"),
    [
        ("auto", "linux", False),
        ("auto", "darwin", True),
        ("auto", "freebsd14", True),
        ("fork", "darwin", False),
        ("spawn", "linux", True),
    ],
)
def test_only_linux_forks_unless_it_is_asked_for(
    start_method: str, platform: str, expected: object
) -> None:
    assert spawns(start_method, platform) is expected


@pytest.mark.parametrize("start_method", ["auto", "fork", "spawn"])
def test_windows_is_refused_with_what_to_do_instead(start_method: str) -> None:
    with pytest.raises(UsageError) as raised:
        spawns(start_method, "win32")

    assert "WSL 2" in raised.value.hint
