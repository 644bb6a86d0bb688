"""The action, the workflows and the examples are what GitHub Actions takes, and are safe to use."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from harness.action_expressions import UnknownExpressionError, Value, evaluate, holds, insert
from harness.action_steps import BASH
from unit.report.made_jobs import NAMES, PLACES, log_of_job

from ctest_containers.cli.commands import COMMANDS
from ctest_containers.history.lines import HEADER, line

ROOT = Path(__file__).resolve().parents[2]
ACTION = ROOT / "action.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
EXAMPLES = sorted((ROOT / "docs" / "examples" / "github").glob("*.yml"))
EVERY = [ACTION, *WORKFLOWS, *EXAMPLES]
OWN_ACTION = "OWNER/ctest_containers@main"

CONTEXTS = {
    "inputs": {"cache": "file", "empty": "", "say": "it's"},
    "steps": {"run.outcome": "success", "run.outputs.exit-code": "1"},
}


def _read(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _steps(file: Path) -> Iterator[dict[str, Any]]:
    content = _read(file)
    if "runs" in content:
        yield from content["runs"]["steps"]
    for job in content.get("jobs", {}).values():
        yield from job["steps"]


def _names(files: list[Path]) -> list[str]:
    return [file.name for file in files]


@pytest.mark.parametrize(
    ("schema", "files"),
    [("github-actions", [ACTION]), ("github-workflows", [*WORKFLOWS, *EXAMPLES])],
)
def test_all_are_valid_by_the_schemas_of_github(schema: str, files: list[Path]) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}"]

    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert _names(EXAMPLES) == ["matrix.yml", "one-job.yml", "service.yml"]


def test_every_action_of_somebody_else_is_pinned_to_one_commit_whose_version_is_said() -> None:
    lines = [line for file in EVERY for line in file.read_text().splitlines() if "uses:" in line]
    used = [line.partition("uses: ")[2] for line in lines]
    pinned = re.compile(r"((?:actions|pypa)/[a-z-]+)(?:/[a-z]+)?@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)")
    matched = {name: pinned.fullmatch(name) for name in used}
    others = {name for name, match in matched.items() if match is None}
    found = {match.groups() for match in matched.values() if match is not None}

    assert others == {"./", OWN_ACTION}
    assert len(found) == len({repository for repository, *_ in found}) == 7


@pytest.mark.parametrize("file", EVERY, ids=_names(EVERY))
def test_no_script_has_a_value_of_somebody_else_in_its_text(file: Path) -> None:
    scripts = [step["run"] for step in _steps(file) if "run" in step]

    assert scripts
    assert [script for script in scripts if "${{" in script and "matrix." not in script] == []


@pytest.mark.parametrize("file", [*WORKFLOWS, *EXAMPLES], ids=_names([*WORKFLOWS, *EXAMPLES]))
def test_every_workflow_may_only_read_and_every_job_ends_in_time(file: Path) -> None:
    workflow = _read(file)

    assert workflow["permissions"] == {"contents": "read"}
    assert workflow["concurrency"]["group"]
    assert all(job["timeout-minutes"] <= 40 for job in workflow["jobs"].values())
    checkouts = [step for step in _steps(file) if "checkout@" in step.get("uses", "")]
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_every_input_of_the_action_is_explained_has_a_default_and_is_used() -> None:
    text, inputs = ACTION.read_text(), _read(ACTION)["inputs"]

    assert all(row["description"].endswith((".", "false")) for row in inputs.values())
    assert all(isinstance(row["default"], str) for row in inputs.values())
    assert [name for name in inputs if f"inputs.{name}" not in text] == []


def test_the_examples_give_the_action_only_inputs_that_it_has() -> None:
    calls = [
        step for file in EVERY for step in _steps(file) if step.get("uses") in (OWN_ACTION, "./")
    ]
    given = {name for step in calls for name in step.get("with", {})}

    assert len(calls) == 4
    assert given <= set(_read(ACTION)["inputs"])


def test_the_workflow_has_the_versions_of_nox() -> None:
    rows = _read(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]["versions"]["strategy"]
    versions = [(row["python"], row["django"]) for row in rows["matrix"]["include"]]
    named = re.findall(
        r'^    \("([\d.]+)", "([\d.]+)"\),$', (ROOT / "noxfile.py").read_text(), re.MULTILINE
    )

    assert versions == named


def test_every_script_that_a_step_calls_exists_and_can_be_run() -> None:
    called = {name for file in EVERY for name in re.findall(r"scripts/[a-z-]+", file.read_text())}

    assert "scripts/action-command" in called
    assert [name for name in called if not os.access(ROOT / name, os.X_OK)] == []


def test_every_command_of_the_toolkit_that_a_step_calls_exists() -> None:
    call = re.compile(r"(?:-m ctest_containers|action-command\"?) ([a-z]+)")
    scripts = [step.get("run", "") for file in EVERY for step in _steps(file)]
    called = {name for script in scripts for name in call.findall(script)}

    assert called == {"run", "template", "doctor", "report", "service"}
    assert called <= set(COMMANDS)


def _command(folder: Path, arguments: str, *, settings: str = "") -> tuple[int, Any]:
    """What the toolkit is told by the action's script; here it only tells that."""
    (folder / "ctest_containers").mkdir()
    (folder / "ctest_containers" / "__init__.py").touch()
    told = "import json, sys; print(json.dumps(sys.argv[1:]))"
    (folder / "ctest_containers" / "__main__.py").write_text(told)
    done = subprocess.run(
        [ROOT / "scripts" / "action-command", "run", "--junit", "a b.xml"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHON": sys.executable,
            "ARGUMENTS": arguments,
            "SETTINGS": settings,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("", []),
        (" \n ", []),
        ("shop --parallel 4\n  billing\n", ["shop", "--parallel", "4", "billing"]),
        ("-k 'a b' --tag \"it's\"", ["-k", "a b", "--tag", "it's"]),
        ("$(touch x) `touch x`; echo >x *", ["$(touch", "x)", "`touch", "x`;", "echo", ">x", "*"]),
        (r"a\ b \$HOME", ["a b", "$HOME"]),
    ],
)
def test_arguments_are_words_as_in_a_shell_and_nothing_in_them_is_carried_out(
    arguments: str, words: list[str], tmp_path: Path
) -> None:
    code, told = _command(tmp_path, arguments)

    assert (code, told) == (0, ["run", "--junit", "a b.xml", *words])
    assert [one.name for one in tmp_path.iterdir()] == ["ctest_containers"]


def test_named_settings_come_before_the_arguments(tmp_path: Path) -> None:
    assert _command(tmp_path, "shop", settings="shop.ci") == (
        0,
        ["run", "--junit", "a b.xml", "--settings", "shop.ci", "shop"],
    )


def test_arguments_that_are_no_words_are_refused(tmp_path: Path) -> None:
    code, said = _command(tmp_path, "-k 'a")

    assert code == 1
    assert said.strip() == "::error::The input args cannot be read: No closing quotation."


def test_the_reports_of_all_shards_are_merged_into_one_file(tmp_path: Path) -> None:
    (merge,) = [
        step
        for step in _steps(ROOT / "docs" / "examples" / "github" / "matrix.yml")
        if step.get("name") == "Merge the shards"
    ]
    for number in PLACES:
        folder = tmp_path / "reports" / f"test-reports-shards-{number}"
        folder.mkdir(parents=True)
        text = "".join(line(event, at) for at, event in log_of_job(number))
        (folder / "events.jsonl").write_text(HEADER + text)
    script = tmp_path / "script"
    script.write_text(merge["run"])
    search = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

    subprocess.run([*BASH, script], cwd=tmp_path, env={"PATH": search}, check=True)

    merged = (tmp_path / "reports" / "junit.xml").read_text()
    assert merged.count("<testcase ") == len(NAMES)
    assert (tmp_path / "reports" / "tests.html").is_file()
    assert len(json.loads((tmp_path / "timings.json").read_text())["tests"]) == len(NAMES)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("inputs.cache", "file"),
        ("inputs.cache == 'FILE'", True),
        ("inputs.cache != 'file' || inputs.say == 'it''s'", True),
        ("inputs.empty || inputs.cache", "file"),
        ("inputs.empty && inputs.cache", ""),
        ("!(inputs.empty || steps.never.outputs.hit)", True),
        ("success() && steps.run.outputs.exit-code == '1'", True),
        ("failure() || cancelled()", False),
    ],
)
def test_the_harness_evaluates_expressions_as_github_does(text: str, value: Value) -> None:
    assert evaluate(text, CONTEXTS, "success") == value


def test_a_step_runs_after_a_failure_only_if_it_says_so() -> None:
    conditions = ("inputs.cache", "always()", "failure() && inputs.cache", "!cancelled()")

    assert [holds(one, CONTEXTS, "failure") for one in conditions] == [False, True, True, True]
    assert [holds(one, CONTEXTS, "cancelled") for one in conditions] == [False, True, False, False]


def test_expressions_in_a_text_are_replaced_by_their_values() -> None:
    text = "cache: ${{ inputs.cache }}, ${{ steps.run.outcome == 'success' }}"

    assert insert(text, CONTEXTS) == "cache: file, true"


@pytest.mark.parametrize(
    "text",
    ["inputs.unknown", "vars.cache", "hashFiles('x')", "1 + 1", "(true", "inputs.cache == true()"],
)
def test_an_expression_that_the_harness_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(UnknownExpressionError):
        evaluate(text, CONTEXTS, "success")
