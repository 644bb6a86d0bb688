"""`exec` and `service` on MySQL and MariaDB: what clients read by themselves leads to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.services import command, ended_afterwards, up
from harness.tiers import further

ASK = """
import os, pymysql
connection = pymysql.connect(
    host=os.environ["MYSQL_HOST"], port=int(os.environ["MYSQL_TCP_PORT"]),
    user=os.environ["MYSQL_USER"], password=os.environ["MYSQL_PWD"],
    database=os.environ["MYSQL_DATABASE"], autocommit=True,
)
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM library_author")
    print(cursor.fetchone()[0], os.environ["DATABASE_URL"].partition(":")[0])
    cursor.execute("DELETE FROM library_author")
"""


MYSQL_TOO = further("One backend serves both; test_agreement_mysql always runs on both.")


@pytest.fixture(params=["mariadb", pytest.param("mysql", marks=MYSQL_TOO)])
def mysql_flavour(request: pytest.FixtureRequest) -> str:
    """Either has clients of its own, and ways of its own to know them."""
    return str(request.param)


@pytest.fixture
def env(
    mysql_env: dict[str, str], project: Path, no_container_is_left: None
) -> Iterator[dict[str, str]]:
    """For a project whose services are ended after the test."""
    del no_container_is_left
    yield from ended_afterwards(project, mysql_env)


def test_a_command_finds_its_databases_fresh_each_time(
    project: Path, env: dict[str, str], python: str
) -> None:
    first = command(project, "exec", "--", python, "-c", ASK, env=env)
    second = command(project, "exec", "--", python, "-c", ASK, env=env)

    assert (first.code, first.out) == (0, "1 mysql\n"), first.said
    assert (second.code, second.out) == (0, "1 mysql\n"), second.said


def test_a_leased_slot_comes_back_fresh(project: Path, env: dict[str, str], python: str) -> None:
    slots = up(project, "--slots", "1", env=env)

    first = command(project, "exec", "--", python, "-c", ASK, env=env)
    second = command(project, "exec", "--", python, "-c", ASK, env=env)
    status = command(project, "service", "status", env=env)

    assert list(slots) == ["1"]
    assert (first.out, second.out) == ("1 mysql\n", "1 mysql\n"), first.said + second.said
    assert (status.code, "slot 1: up" in status.out) == (0, True), status.out
