"""The settings of the toolkit's own images, set back one by one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from harness.bench.server_settings import (
    OURS,
    SETTINGS,
    VENDORS_OWN,
    arguments,
    variants,
)
from harness.bench.settings import AT_START, figures_of

IMAGES = Path(__file__).parents[3] / "images"


def _configured(on: str) -> dict[str, str]:
    """What an image's configuration says, by the names of options."""
    (file,) = (
        one for one in (IMAGES / on).glob("*.c*nf") if one.name in {"postgresql.conf", "ctest.cnf"}
    )
    lines = re.findall(r"^([a-z][\w-]*)(?: *= *(.+))?$", file.read_text(), re.MULTILINE)
    return {name.replace("-", "_").removeprefix("skip_"): value for name, value in lines}


@pytest.mark.parametrize("on", SETTINGS)
def test_what_is_set_back_is_what_the_image_has_otherwise(on: str) -> None:
    configured = _configured(on)

    for values in SETTINGS[on].values():
        for name, value in values.items():
            assert name in configured
            assert configured[name] != value


@pytest.mark.parametrize("on", SETTINGS)
def test_a_server_has_nothing_set_back_or_everything_or_one_setting(on: str) -> None:
    found = variants(SETTINGS[on])

    assert list(found) == [OURS, VENDORS_OWN, *SETTINGS[on]]
    assert found[OURS] == {}
    assert sum(map(len, SETTINGS[on].values())) == len(found[VENDORS_OWN])


def test_each_vendor_is_told_in_its_own_way() -> None:
    values = {"fsync": "on", "jit": "on"}

    assert arguments("postgresql", values) == ["-c", "fsync=on", "-c", "jit=on"]
    assert arguments("mariadb", values) == ["--fsync=on", "--jit=on"]


def test_figures_are_multiples_of_those_of_the_image_in_seconds_or_mebibytes() -> None:
    found = {
        OURS: [{"start": 1.0, AT_START: 40.0}, {"start": 2.0, AT_START: 40.0}],
        "jit": [{"start": 3.0, AT_START: 20.0}, {"start": 6.0, AT_START: 20.0}],
    }

    figures = figures_of(found)

    assert [(one.name, one.measure, one.ratio, one.unit) for one in figures] == [
        (OURS, "start", 1.0, "s"),
        ("jit", "start", 3.0, "s"),
        (OURS, AT_START, 1.0, "MiB"),
        ("jit", AT_START, 0.5, "MiB"),
    ]
    assert figures[1].values == (3.0, 6.0)
