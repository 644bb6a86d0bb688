"""What GitHub and pre-commit read of this repository is valid and agrees with the toolkit."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import yaml

from ctest_containers.cli.commands import COMMANDS
from ctest_containers.config import Config

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
FORMS = sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml"))


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("dependabot", [GITHUB / "dependabot.yml"]),
        ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE" / "config.yml"]),
        ("github-issue-forms", FORMS),
    ],
)
def test_all_are_valid_by_the_schemas_of_github(schema: str, files: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]

    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_there_is_a_form_for_each_kind_of_issue() -> None:
    assert [file.stem for file in FORMS] == ["bug", "different-outcome", "feature"]


def test_the_forms_name_commands_and_options_that_exist() -> None:
    text = "".join(file.read_text() for file in FORMS)
    commands = set(re.findall(r"-m ctest_containers ([a-z]+)", text))
    options = set(re.findall(r"--(?:no-)?([a-z-]+)", text)) - {"json", "parallel"}

    assert commands <= set(COMMANDS)
    assert {name.replace("-", "_") for name in options} <= {field.name for field in fields(Config)}


def test_the_hooks_of_pre_commit_are_valid_and_run_the_tools_of_the_checks() -> None:
    file = ROOT / ".pre-commit-config.yaml"
    command = [sys.executable, "-m", "pre_commit", "validate-config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    (repository,) = yaml.safe_load(file.read_text())["repos"]
    entries = [hook["entry"] for hook in repository["hooks"]]
    checks = (ROOT / "scripts" / "check").read_text()

    assert done.returncode == 0, done.stdout
    assert {entry.split()[0] for entry in entries} == set(re.findall(r"\.venv/bin/[a-z-]+", checks))
