"""What JSON, tables and pictures have of results."""

from __future__ import annotations

import json
from xml.etree import ElementTree as ET

import pytest
from harness.bench.__main__ import exit_code
from harness.bench.machine import Machine, describe
from harness.bench.noise import Calibration, NoiseWatch
from harness.bench.plot import svg
from harness.bench.results import CaseResult, Failure, Figure, as_json
from harness.bench.table import of_case, of_machine, shown_seconds, shown_value

MACHINE = Machine(
    cpu="a processor",
    cores=2,
    memory_bytes=2**34,
    kernel="Linux 6.1",
    python="CPython 3.11.7",
    engine="20.10",
    packages={"Django": "5.2"},
)


def _case(*, noisy: bool = False) -> CaseResult:
    looks = [Calibration(0.05, 0.0), Calibration(0.08 if noisy else 0.05, 0.0)]
    return CaseResult(
        name="shop",
        on="postgresql",
        server="17.2",
        options={"workers": 2, "rounds": 3},
        base="django",
        figures=(
            Figure(
                name="django",
                measure="process",
                values=(2.0, 1.0, 3.0),
                ratio=1.0,
                tests=10,
                failed=(0, 0, 1),
            ),
        ),
        notes=("A note.",),
        noise=NoiseWatch(tolerant=True, calibrations=looks),
    )


def _growth() -> CaseResult:
    figures = tuple(
        Figure(name=axis, measure=measure, values=(1.0, 2.0), at={axis: point}, tests=5)
        for axis in ("workers", "tests")
        for point in (1, 20)
        for measure in ("set-up", "wall", "overhead")
    )
    return CaseResult(
        name="growth",
        on="sqlite",
        server="",
        options={"rounds": 2},
        figures=figures,
        notes=(),
        noise=NoiseWatch(),
    )


def test_json_has_format_machine_cases_and_failures() -> None:
    found = as_json(MACHINE, [_case()], [Failure("phases", "noise", "Too noisy.")])

    assert list(found) == ["format", "version", "machine", "cases", "failures"]
    assert (found["format"], found["version"]) == ("ctest-containers-bench", 1)
    assert found["machine"]["cores"] == 2
    assert found["failures"] == [{"case": "phases", "kind": "noise", "reason": "Too noisy."}]
    assert json.loads(json.dumps(found)) == found


def test_json_has_every_value_of_a_figure_and_its_spread_in_seconds() -> None:
    (case,) = as_json(MACHINE, [_case()], [])["cases"]

    (figure,) = case["figures"]
    assert figure == {
        "name": "django",
        "measure": "process",
        "unit": "s",
        "noisy": False,
        "median": 2.0,
        "least": 1.0,
        "most": 3.0,
        "low_quartile": 1.5,
        "high_quartile": 2.5,
        "values": [2.0, 1.0, 3.0],
        "ratio": 1.0,
        "tests": 10,
        "failed": [0, 0, 1],
        "at": {},
    }
    assert (case["server"], case["base"], case["notes"]) == ("17.2", "django", ["A note."])


def test_every_figure_of_a_noisy_case_is_marked_in_json_and_text() -> None:
    (case,) = as_json(MACHINE, [_case(noisy=True)], [])["cases"]

    assert [one["noisy"] for one in case["figures"]] == [True]
    assert case["noise"]["noisy"]
    assert "60% longer" in case["noise"]["reason"]
    assert "2.00 s (noisy)" in of_case(_case(noisy=True))


def test_a_table_shows_what_a_case_has_and_leaves_empty_columns_out() -> None:
    text = of_case(_case())

    assert "## shop on postgresql 17.2" in text
    assert "| django, process | 2.00 s | 1.00 s - 3.00 s | 1.50 s - 2.50 s | 1.00  | 10" in text
    assert "0 or 1" in text
    assert "ratio" not in of_case(_growth())


def test_a_machine_is_described_in_words_without_anything_of_its_owner() -> None:
    assert of_machine(MACHINE) == (
        "a processor, 2 cores, 16.0 GiB\nLinux 6.1, CPython 3.11.7, Docker Engine 20.10\nDjango 5.2"
    )
    assert describe("").cores >= 1
    assert "Django" in describe("").packages


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (123.4, "123 s"),
        (12.34, "12.3 s"),
        (1.0, "1.00 s"),
        (0.0456, "45.6 ms"),
        (0.99972, "1.00 s"),
        (3e-5, "30.0 µs"),
    ],
)
def test_seconds_are_shown_with_three_digits(seconds: float, shown: str) -> None:
    assert shown_seconds(seconds) == shown


def test_what_is_no_duration_is_shown_with_its_unit() -> None:
    assert shown_value(0.5, "s") == "500 ms"
    assert shown_value(43.445, "MiB") == "43.4 MiB"


def test_a_growth_is_a_picture_with_a_panel_for_each_axis() -> None:
    picture = ET.fromstring(svg(_growth()))

    name = "{http://www.w3.org/2000/svg}"
    assert len(picture.findall(f"{name}g")) == 2
    assert len(picture.findall(f".//{name}polyline")) == 6
    assert "NaN" not in svg(_growth())


@pytest.mark.parametrize(
    ("kinds", "code"), [([], 0), (["noise"], 3), (["error"], 1), (["noise", "error"], 1)]
)
def test_noise_and_errors_have_exit_codes_of_their_own(kinds: list[str], code: int) -> None:
    assert exit_code([Failure("shop", kind, "") for kind in kinds]) == code
