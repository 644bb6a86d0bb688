"""Findings are shown in 80 columns, each with its fix below, and as JSON with a version."""

from __future__ import annotations

import json
from pathlib import Path

from ctest_containers.doctor import show
from ctest_containers.doctor.checks import CHECKS, has_errors
from ctest_containers.doctor.finding import Area, Finding, Severity, error, note, ok, warning
from ctest_containers.version import __version__

FOUND = [
    ok(Area.ENGINE, "It is there."),
    warning(
        Area.ENGINE,
        "It copies everything " + "again and " * 10 + "again.",
        "Say `docker system prune --all --volumes --force --filter until=24h` and wait " * 2,
    ),
    note(Area.MACHINE, "It is small\x1b[31m."),
]


def text(found: list[Finding], width: int = 80) -> str:
    """What is shown without colours."""
    return "\n".join(f"{beginning}{line}" for beginning, line, _ in show.lines(found, width))


def test_findings_are_grouped_by_area_and_aligned() -> None:
    assert text(FOUND[:1]) == ("Engine\n  ok       It is there.\n\n1 ok. Tests can run.")


def test_no_line_is_longer_than_the_terminal_is_wide() -> None:
    assert max(map(len, text(FOUND).splitlines())) <= 80


def test_a_command_stays_on_one_line_where_it_fits() -> None:
    command = "`docker system prune --all --volumes --force --filter"

    assert all(command in line for line in text(FOUND, 100).splitlines() if "`docker" in line)


def test_a_fix_stands_below_what_it_repairs() -> None:
    shown = text([error(Area.ENGINE, "It is gone.", "Get another one.")]).splitlines()

    assert shown[1:3] == ["  error    It is gone.", "           -> Get another one."]


def test_what_a_terminal_would_obey_is_written_out() -> None:
    assert "small\\x1b[31m." in text(FOUND)


def test_the_verdict_counts_what_there_is() -> None:
    assert show.verdict(FOUND) == "1 warning, 1 note, 1 ok. Tests can run."
    assert show.verdict([error(Area.ENGINE, "It is gone.", "Get one.")]) == (
        "1 error, 0 ok. Tests cannot run."
    )


def test_the_json_is_an_object_with_a_version() -> None:
    found = [*FOUND[:1], error(Area.PROJECT, "It is empty.", "Fill it.")]

    assert json.loads(json.dumps(show.as_json(found))) == {
        "version": 1,
        "toolkit": __version__,
        "runs": False,
        "summary": {"error": 1, "warning": 0, "note": 0, "ok": 1},
        "findings": [
            {"severity": "ok", "area": "engine", "what": "It is there.", "fix": ""},
            {"severity": "error", "area": "project", "what": "It is empty.", "fix": "Fill it."},
        ],
    }


def test_only_errors_keep_tests_from_running() -> None:
    assert not has_errors(FOUND)
    assert has_errors([error(Area.ENGINE, "It is gone.", "Get one.")])


def test_every_check_belongs_to_an_area_and_all_areas_are_looked_at() -> None:
    assert {area for area, _ in CHECKS} == set(Area)


def test_every_module_of_checks_is_made_use_of() -> None:
    """A check that nobody makes finds nothing."""
    folder = Path(show.__file__).parent
    checks = (folder / "checks.py").read_text()
    defined = {
        line.split("(")[0].removeprefix("def ")
        for file in folder.glob("*.py")
        for line in file.read_text().splitlines()
        if line.startswith("def check_")
    }

    assert {name for name in defined if name not in checks} == set()
    assert list(Severity)[-1] is Severity.ERROR
