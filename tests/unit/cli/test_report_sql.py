"""`report --sql` on stored runs."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from harness.golden import LOG
from unit.report.sql.made_sql import made_sql

from ctest_containers.cli.commands.report import report
from ctest_containers.errors import UsageError
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history import History
from ctest_containers.history.store import sql_beside
from ctest_containers.report.sql.file import write

MAIN, BRANCH = "1a2b3c4d", "5e6f7a8b"


pytestmark = pytest.mark.usefixtures("history")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    """The history of a run on main, and of one on a branch."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    history = History.of("shop")
    records = [
        made_sql(MAIN, has_products=False, branch="main"),
        made_sql(BRANCH, branch="orders"),
    ]
    for day, record in enumerate(records, start=1):
        write(record, sql_beside(history.folder / f"2026110{day}T080000000000-{record.run}.jsonl"))
    return history


def sql(*arguments: str) -> int:
    return report(["--project", "shop", "--sql", *arguments])


def test_the_last_run_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert sql() == ExitCode.PASSED

    assert capsys.readouterr().out.startswith(f"SQL of run {BRANCH} of 2026-11-30 21:14 (orders")


def test_json_has_every_statement(capsys: pytest.CaptureFixture[str]) -> None:
    assert sql("--json") == ExitCode.PASSED

    content = json.loads(capsys.readouterr().out)
    (first, *_) = content["tests"]
    assert first["id"] == "orders.tests.ListTests.test_all"
    assert first["count"] == 28
    assert first["statements"][3]["lines"][0] == {
        "line": "orders/views.py:81",
        "count": 15,
        "repeated": True,
    }
    assert content["set_up"][0]["statements"][0]["writes"] == ["orders_order"]


@pytest.mark.parametrize("against", ["main", MAIN, MAIN[:4], f"{MAIN}01234"])
def test_a_run_is_compared_with_a_run_a_branch_or_a_commit(
    capsys: pytest.CaptureFixture[str], against: str
) -> None:
    assert sql("--against", against) == ExitCode.PASSED

    assert f"against run {MAIN}" in capsys.readouterr().out


def test_json_of_a_comparison_has_the_units(capsys: pytest.CaptureFixture[str]) -> None:
    assert sql("--against", "main", "--json", "--max-queries-growth", "3") == ExitCode.FAILED

    content = json.loads(capsys.readouterr().out)
    assert content["against"]["id"] == MAIN
    assert [change["after"] for change in content["grown"]] == [28, 28]
    assert content["grown"][0]["added"][0]["place"] == "orders/views.py:81"


@pytest.mark.parametrize(
    ("limit", "code"), [("3", ExitCode.FAILED), ("16", ExitCode.PASSED), ("50%", ExitCode.FAILED)]
)
def test_growth_is_an_exit_code(capsys: pytest.CaptureFixture[str], limit: str, code: int) -> None:
    assert sql("--against", "main", "--max-queries-growth", limit) == code

    assert ("FAILED: 2 tests" in capsys.readouterr().out) == (code == ExitCode.FAILED)


def test_an_unknown_run_is_an_error_with_those_that_exist() -> None:
    with pytest.raises(UsageError, match="'unknown'") as error:
        sql("--against", "unknown")

    assert error.value.hint == (
        "Runs whose SQL was recorded, the last first: "
        "5e6f7a8b (orders 5e6f7a8b0), 1a2b3c4d (main 1a2b3c4d0)."
    )


def test_a_name_of_git_stands_for_its_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=x"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    (tmp_path / "checkout").mkdir()
    monkeypatch.chdir(tmp_path / "checkout")
    git("init")
    for number in range(2):
        git("commit", "--allow-empty", "-m", str(number))
    record = dataclasses.replace(
        made_sql("0000aaaa", branch="x"), revision=git("rev-parse", "HEAD~1")
    )
    write(record, sql_beside(History.of("shop").folder / "20261031T080000000000-0000aaaa.jsonl"))

    assert sql("--against", "HEAD~1") == ExitCode.PASSED

    assert "against run 0000aaaa" in capsys.readouterr().out


def test_a_run_is_not_compared_with_itself() -> None:
    with pytest.raises(UsageError, match="'orders'"):
        sql("--against", "orders")


def test_a_test_that_did_not_run_is_an_error() -> None:
    with pytest.raises(UsageError, match="'nothing'"):
        sql("--test", "nothing")


@pytest.mark.parametrize(
    "arguments", [["--against", "main"], ["--sql", "--max-queries-growth", "3"], ["--test", "a"]]
)
def test_options_without_the_one_they_need_are_refused(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="only has a meaning with"):
        report(["--project", "shop", *arguments])


def test_the_sql_of_old_runs_goes_with_their_logs(history: History) -> None:
    for file in history.folder.iterdir():
        file.with_name(file.name.replace(".sql.gz", ".jsonl")).touch()

    history.keep(1)

    assert len(list(history.folder.iterdir())) == 2
    assert sql_beside(*history.logs()).is_file()


def test_the_page_and_the_summary_have_the_sql(
    history: History,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    page, summary = tmp_path / "page.html", tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    shutil.copy(LOG, history.folder / f"20261102T080000000000-{BRANCH}.jsonl")

    assert sql("--against", "main", "--html", str(page), "--github") == ExitCode.PASSED

    assert "orders/views.py:81" in page.read_text()
    assert "More queries than in run 1a2b3c4d" in summary.read_text()
    assert "SQL of run" not in capsys.readouterr().out
