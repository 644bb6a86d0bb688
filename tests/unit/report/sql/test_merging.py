"""The SQL of jobs that have shared the tests of a run is that of one run."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.report.made_jobs import NAMES, log_of_job
from unit.report.sql.made_sql import COUNT, INSERT, ORDERS, made_sql, recorded, sent, usage

from ctest_containers.cli.commands.report import report
from ctest_containers.exit_codes import ExitCode
from ctest_containers.history.lines import HEADER, line
from ctest_containers.history.store import sql_beside
from ctest_containers.report.sql.file import read, write
from ctest_containers.report.sql.merging import merge_sql


def test_each_test_has_its_own_statements() -> None:
    first = recorded([usage("test a.A.one", [sent(COUNT, {"a.py:1": 3})])], started_at="2")
    second = recorded([usage("test b.B.two", [sent(ORDERS, {"b.py:2": 2})])], started_at="1")

    merged = merge_sql([first, second])

    assert list(merged.statements("test a.A.one")) == [sent(COUNT, {"a.py:1": 3})]
    assert list(merged.statements("test b.B.two")) == [sent(ORDERS, {"b.py:2": 2})]
    assert merged.started_at == "1"


def test_set_up_in_several_jobs_counts_once() -> None:
    jobs = [recorded([usage("class a.A", [sent(INSERT, {"a.py:1": n})])]) for n in (2, 5, 3)]

    assert merge_sql(jobs).total("class a.A")[0] == 5


def test_the_sql_of_one_job_is_as_it_was() -> None:
    record = made_sql()

    merged = merge_sql([record])

    assert {unit: [*merged.statements(unit)] for unit in merged.rows} == {
        unit: [*record.statements(unit)] for unit in record.rows
    }


def test_a_merged_log_has_the_sql_of_the_jobs_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs, whole, page = tmp_path / "logs", tmp_path / "whole.jsonl", tmp_path / "page.html"
    logs.mkdir()
    for number in (1, 2, 3):
        log = logs / f"{number}.jsonl"
        log.write_text(
            HEADER + "".join(line(entry.event, entry.at) for entry in log_of_job(number))
        )
        # The last job has run no test.
        if number < 3:
            statements = [sent(COUNT, {"a.py:1": number})]
            write(recorded([usage(f"test {NAMES[number]}", statements)]), sql_beside(log))

    assert report(["merge", str(logs), "--event-log", str(whole)]) == ExitCode.PASSED

    assert read(sql_beside(whole)).tests == [NAMES[1], NAMES[2]]
    capsys.readouterr()
    assert report([str(whole), "--sql"]) == ExitCode.PASSED
    assert "3 queries of 2 tests" in capsys.readouterr().out
    assert report([str(whole), "--sql", "--html", str(page)]) == ExitCode.PASSED
    assert "__count" in page.read_text()
