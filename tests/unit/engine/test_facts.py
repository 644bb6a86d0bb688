"""An engine is known by what it says of itself."""

from __future__ import annotations

from typing import Any

import pytest

from ctest_containers.engine.facts import EngineKind, facts_from, is_older

NOW = 1795533727.0
"""2026-11-24T15:22:07Z."""


@pytest.mark.parametrize(
    ("version", "info", "expected"),
    [
        ({"Components": [{"Name": "Engine"}]}, {}, EngineKind.DOCKER),
        ({"Components": [{"Name": "Podman Engine"}]}, {}, EngineKind.PODMAN),
        ({}, {"OperatingSystem": "Docker Desktop"}, EngineKind.DESKTOP),
        ({"Platform": {"Name": "Docker Desktop 4.44.0"}}, {}, EngineKind.DESKTOP),
        ({}, {"Name": "colima"}, EngineKind.COLIMA),
        ({}, {"OperatingSystem": "OrbStack"}, EngineKind.ORBSTACK),
        ({}, {}, EngineKind.DOCKER),
    ],
)
def test_each_kind_of_engine_gives_itself_away(
    version: dict[str, Any], info: dict[str, Any], expected: EngineKind
) -> None:
    assert facts_from(version, info, NOW).kind is expected


def test_a_rootless_engine_says_so_among_its_security_options() -> None:
    info = {"SecurityOptions": ["name=seccomp,profile=default", "name=rootless"]}

    assert facts_from({}, info, NOW).rootless
    assert not facts_from({}, {}, NOW).rootless


def test_only_limits_that_an_engine_denies_are_missing() -> None:
    info = {"MemoryLimit": False, "SwapLimit": True}

    assert facts_from({}, info, NOW).missing_limits == ("memory",)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2026-11-24T15:22:07.500000000Z", 0.5),
        ("2026-11-24T15:22:07.5Z", 0.5),
        ("2026-11-24T15:22:07Z", 0.0),
        ("2026-11-24T16:22:17.123456789+01:00", 10.123456),
        ("2026-11-24T15:22:07", None),
        ("soon", None),
        ("", None),
    ],
)
def test_the_clock_is_compared_in_whatever_form_it_is_told(
    told: str, expected: float | None
) -> None:
    ahead = facts_from({}, {"SystemTime": told}, NOW).clock_ahead_seconds

    assert ahead == (None if expected is None else pytest.approx(expected, abs=1e-5))


def test_versions_are_compared_by_their_numbers() -> None:
    assert is_older("1.9", "1.41")
    assert not is_older("1.41", "1.41")
    assert not is_older("2.0", "1.41")
