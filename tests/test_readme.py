"""The README and the documentation agree with the code."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from ctest_containers.cli.commands import COMMANDS
from ctest_containers.exit_codes import ExitCode

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()
PAGES = {file.name: file.read_text() for file in (ROOT / "docs").glob("*.md")}
EXIT_CODES = PAGES["exit-codes.md"]
HOW_IT_WORKS = PAGES["how-it-works.md"]


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", EXIT_CODES, re.MULTILINE)}

    assert explained == {int(code) for code in ExitCode}


def test_every_script_that_it_names_exists_and_can_be_run() -> None:
    scripts = set(re.findall(r"scripts/[a-z-]+", "".join([README, *PAGES.values()])))

    assert scripts
    assert [name for name in scripts if not os.access(ROOT / name, os.X_OK)] == []


def test_every_package_of_the_architecture_exists() -> None:
    begin = HOW_IT_WORKS.index("## Architecture")
    rows = HOW_IT_WORKS[begin : HOW_IT_WORKS.index("\n## ", begin)]
    named = re.findall(r"^\| (`.*?) \|", rows, re.MULTILINE)
    packages = [name for cell in named for name in re.findall(r"`(\w+)`", cell)]

    missing = [
        name
        for name in packages
        if not (ROOT / "ctest_containers" / name).is_dir()
        and not (ROOT / "ctest_containers" / f"{name}.py").is_file()
    ]

    assert len(packages) > 10
    assert missing == []


def test_every_module_at_a_crossing_exists() -> None:
    modules = re.findall(r"`((?:\w+/)*\w+\.py|\w+/)`", HOW_IT_WORKS)

    assert len(modules) > 10
    assert [name for name in modules if not (ROOT / "ctest_containers" / name).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 200


def test_every_command_is_mentioned() -> None:
    everything = "".join([README, *PAGES.values()])

    missing = [
        name for name in COMMANDS if not re.search(rf"ctest.containers {name}\b", everything)
    ]

    assert missing == [], "a page must name each command, as `ctest_containers NAME`"


def test_the_index_links_to_every_page() -> None:
    linked = set(re.findall(r"\]\(([a-z-]+\.md)\)", PAGES["index.md"]))

    assert linked == PAGES.keys() - {"index.md"}


@pytest.mark.parametrize("name", ["one-job", "matrix", "service"])
def test_the_page_on_ci_shows_the_examples_as_they_are(name: str) -> None:
    example = (ROOT / "docs" / "examples" / "github" / f"{name}.yml").read_text()

    assert f"```yaml\n{example.rstrip()}\n```" in PAGES["ci.md"]
