"""Carries out commands of `service` and `exec`, and looks at what they leave."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
import psycopg2

from ctest_containers.engine.labels import SERVICE
from harness.programs import run_program


@dataclass(frozen=True, slots=True)
class Done:
    """A command that has ended; what people read apart from what programs read."""

    code: int
    out: str
    said: str


def command(
    project: Path,
    *arguments: str,
    env: Mapping[str, str],
    given: str | None = None,
    forked: bool = True,
) -> Done:
    """Carry out a command of the toolkit in a project's folder.

    Args:
        given: Its standard input; None for that of the tests.
        forked: Whether it may begin as a fork of a process that has loaded what it imports.
    """
    command_line = [sys.executable, "-m", "ctest_containers", *arguments]
    done = run_program(
        command_line,
        project,
        env,
        stderr=subprocess.PIPE,
        seconds=120,
        typed=given,
        forked=forked,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def up(
    project: Path, *arguments: str, env: Mapping[str, str], forked: bool = True
) -> dict[str, Any]:
    """Start a service, and give the addresses of its slots, by number and alias."""
    done = command(project, "service", "up", "--json", *arguments, env=env, forked=forked)
    assert done.code == 0, done.said
    slots: dict[str, Any] = json.loads(done.out)["slots"]
    return slots


def ended_afterwards(project: Path, env: dict[str, str]) -> Iterator[dict[str, str]]:
    """The body of a fixture: the variables for a project, whose services are ended at last."""
    yield env
    done = command(project, "service", "down", "--all", env=env)
    assert done.code == 0, done.said


def made_for(engine: docker.DockerClient, cache: Path) -> set[str]:
    """The names of the containers of services that are kept in a cache folder."""
    return {
        str(one["Names"][0]).lstrip("/")
        for one in engine.api.containers(all=True, filters={"label": SERVICE})
        if one["Labels"][SERVICE].startswith(str(cache))
    }


def ask(url: str, statement: str) -> Sequence[Any]:
    """The first row that a database gives, by its address; what is written stays."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            row: Sequence[Any] = cursor.fetchone() or ()
            return row
    finally:
        connection.close()
