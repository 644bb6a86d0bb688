"""Isolated databases for programs that are no test runner."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import docker
import pytest
from harness.containers import owned
from harness.projects import PROJECTS, environment

PROGRAM = """
import json, os, sys
sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "{settings}"
import django
django.setup()
from django.db import connections
from ctest_containers import Template

events = []
with Template.ensure({arguments}) as template:
    with template.spawn() as one, template.spawn() as other:
        said = dict(
            urls={{alias: one.url(alias) for alias in one.settings}},
            apart=one.url() != other.url(),
            configured=connections["default"].settings_dict["PORT"],
        )
        {body}
print(json.dumps(said))
"""


def ask(project: str, body: str, env: dict[str, str], arguments: str = "") -> dict[str, Any]:
    """What a program of somebody's prints last."""
    program = PROGRAM.format(
        settings=f"{project}.settings",
        arguments=arguments,
        body=dedent(body).strip().replace("\n", "\n        "),
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECTS / project,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_a_program_gets_migrated_databases_of_its_own_from_a_server(
    cache: Path, engine: docker.DockerClient
) -> None:
    before = owned(engine)
    env = environment(cache, {"OUTCOMES_DB": "postgresql", "OUTCOMES_DB_PORT": "1"})

    said = ask(
        "outcomes",
        """
        import psycopg2
        tables = "SELECT count(*) FROM library_author"
        with psycopg2.connect(one.url()) as mine, psycopg2.connect(other.url()) as yours:
            mine.cursor().execute("DELETE FROM library_author")
            mine.commit()
            cursor = yours.cursor()
            cursor.execute(tables)
            said["others"] = cursor.fetchone()[0]
        mine.close(), yours.close()
        """,
        env,
        "report=events.append",
    )

    assert said["urls"]["default"].startswith("postgresql://")
    assert said["apart"]
    assert said["others"] > 0
    assert said["configured"] == "1"
    assert owned(engine) <= before


def test_several_databases_have_an_address_each(cache: Path, engine: docker.DockerClient) -> None:
    before = owned(engine)

    said = ask(
        "depot",
        """
        import pymysql, urllib.parse
        parts = urllib.parse.urlsplit(one.url("legacy"))
        where = urllib.parse.parse_qs(parts.query)["unix_socket"][0]
        connection = pymysql.connect(
            unix_socket=where, user=parts.username, database=parts.path[1:]
        )
        said["server"] = connection.get_server_info()
        connection.close()
        """,
        environment(cache),
    )

    assert {url.partition(":")[0] for url in said["urls"].values()} == {
        "postgresql",
        "mysql",
        "sqlite",
    }
    assert said["server"]
    assert owned(engine) <= before


def test_sqlite_needs_no_engine_and_gives_files(sqlite_env: dict[str, str]) -> None:
    said = ask(
        "outcomes",
        """
        import sqlite3
        names = [str(each.settings["default"]["NAME"]) for each in (one, other)]
        with sqlite3.connect(names[0]) as mine:
            mine.execute("DELETE FROM library_author")
        said["others"] = sqlite3.connect(names[1]).execute(
            "SELECT count(*) FROM library_author"
        ).fetchone()[0]
        said["names"] = names
        """,
        sqlite_env,
    )

    assert said["urls"]["default"] == f"sqlite:///{said['names'][0]}"
    assert said["others"] > 0
    assert not any(Path(name).exists() for name in said["names"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("['nowhere']", "Unknown database 'nowhere'."),
        ("transport='pigeon'", "Invalid value 'pigeon' for option --transport"),
    ],
)
def test_what_is_not_known_is_refused(
    arguments: str, words: str, sqlite_env: dict[str, str]
) -> None:
    with pytest.raises(AssertionError) as refused:
        ask("outcomes", "pass", sqlite_env, arguments)

    assert words in str(refused.value)


def test_what_the_program_has_open_stays_open(sqlite_env: dict[str, str]) -> None:
    said = ask(
        "outcomes",
        """
        said["still there"] = connections["default"].connection is held
        """,
        sqlite_env,
        "**(connections['default'].ensure_connection() or {}, "
        "globals().update(held=connections['default'].connection))[0]",
    )

    assert said["still there"]
